// What the chart's canvas shows besides bars: sessions, opening ranges, trades. A Lightweight Charts series primitive.
const LABEL_FONT = "600 11px ";
const LABEL_HEIGHT = 16;
const SESSION_BAND = 3;

export function withAlpha(colour, alpha) {
  return colour + Math.round(alpha * 255).toString(16).padStart(2, "0");
}

export class SceneLayer {
  constructor(chart) {
    this.chart = chart;
    this.views = [
      { zOrder: () => "bottom", renderer: () => this.renderer((pen) => this.drawBelow(pen)) },
      { zOrder: () => "top", renderer: () => this.renderer((pen) => this.drawAbove(pen)) },
    ];
  }

  attached({ requestUpdate }) { this.requestUpdate = requestUpdate; }
  update() { this.requestUpdate?.(); }
  paneViews() { return this.views; }

  // The selected trade's levels belong to the picture whenever its time is in it.
  autoscaleInfo(from, to) {
    const { scene, bars } = this.chart;
    const trade = scene?.trades.find((one) => one.selected);
    if (!trade || !bars?.time.length) return null;
    const over = trade.end !== null && this.chart.logical(trade.end) < from;
    if (over || this.chart.logical(trade.start) > to) return null;
    const levels = [trade.entry, trade.stop, trade.target];
    return { priceRange: { minValue: Math.min(...levels), maxValue: Math.max(...levels) } };
  }

  boxAt(x, y) {
    return this.boxes?.findLast((box) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
  }

  hitTest(x, y) {
    const box = this.boxAt(x, y);
    return box ? { externalId: box.name, cursorStyle: "pointer", zOrder: "bottom" } : null;
  }

  renderer(draw) {
    return {
      draw: (target) => target.useMediaCoordinateSpace(({ context, mediaSize }) => {
        if (!this.chart.scene || !this.chart.bars?.time.length) return;
        draw(new Pen(this.chart, context, mediaSize));
      }),
    };
  }

  drawBelow(pen) {
    const { scene, colours } = this.chart;
    for (const session of scene.sessions) {
      const [left, right] = pen.span(session.start, session.end);
      pen.fill(left, 0, right, pen.height, withAlpha(colours[session.colour], 0.07));
      pen.fill(left, pen.height - SESSION_BAND, right, pen.height, withAlpha(colours[session.colour], 0.6));
    }
    this.boxes = scene.ranges.map((range) => {
      const [left, formed] = pen.span(range.start, range.formed);
      const right = Math.max(formed, pen.span(range.start, range.end)[1]);
      return { name: range.name, range, left, formed, right, top: pen.y(range.high), bottom: pen.y(range.low) };
    });
    for (const box of this.boxes) this.drawBox(pen, box);
    for (const trade of scene.trades.filter((one) => one.selected)) {
      const [left, right] = pen.span(trade.start, trade.end);
      pen.fill(left, pen.y(trade.entry), right, pen.y(trade.target), withAlpha(colours.up, 0.14));
      pen.fill(left, pen.y(trade.entry), right, pen.y(trade.stop), withAlpha(colours.down, 0.14));
    }
  }

  drawBox(pen, { range, left, formed, right, top, bottom }) {
    const { colours } = this.chart;
    const colour = range.selected ? colours.range : colours.muted;
    if (range.state !== "void") {
      pen.fill(left, top, formed, bottom, withAlpha(colour, range.selected ? 0.4 : 0.24));
      pen.fill(formed, top, right, bottom, withAlpha(colour, range.selected ? 0.15 : 0.1));
    }
    const dash = range.selected && range.state === "complete" ? [] : [3, 3];
    pen.line(left, top, right, top, withAlpha(colour, 0.9), 1, dash);
    pen.line(left, bottom, right, bottom, withAlpha(colour, 0.9), 1, dash);
  }

  drawAbove(pen) {
    const { scene, colours } = this.chart;
    const chosenFirst = (one, other) => other.selected - one.selected;
    const trades = [...scene.trades].sort(chosenFirst);
    for (const trade of trades) if (trade.selected) this.drawLevels(pen, trade);
    for (const { range, left, right } of [...this.boxes].sort((one, other) => chosenFirst(one.range, other.range))) {
      const name = [range.label, range.selected ? colours.range : colours.text];
      const note = range.note ? [[range.note, colours[range.note_tone]]] : [];
      if (right > 0 && left < pen.width) pen.label([name, ...note], Math.max(left, 0), pen.y(range.high) - 9, "after");
    }
    for (const trade of trades) if (trade.exit_price !== null && trade.end !== null) this.drawExit(pen, trade);
    for (const session of scene.sessions) {
      const [left, right] = pen.span(session.start, session.end);
      pen.sessionName(session.name, Math.max(left, 0), Math.min(right, pen.width), colours[session.colour]);
    }
  }

  drawLevels(pen, trade) {
    const { colours } = this.chart;
    const [left, right] = pen.span(trade.start, trade.end);
    if (right < 0 || left > pen.width) return;
    const levels = [
      [trade.target, trade.target_label, colours.up, [6, 4]],
      [trade.stop, trade.stop_label, colours.down, [6, 4]],
      [trade.entry, trade.entry_label, colours.text, []],
    ];
    const outside = trade.end !== null && right + 130 < pen.width; // a closed trade leaves room beside it
    for (const [price, , colour, dash] of levels) pen.line(left, pen.y(price), right, pen.y(price), colour, 2, dash);
    for (const [price, text, colour] of levels) {
      if (outside) pen.label([[text, colour]], right + 8, pen.y(price), "after");
      else pen.label([[text, colour]], Math.min(right, pen.width) - 6, pen.y(price), "before");
    }
  }

  // ● a gain, ■ a loss, and the way there from the entry.
  drawExit(pen, trade) {
    const { colours } = this.chart;
    const colour = colours[trade.result_tone];
    const [x, y] = [pen.x(trade.end), pen.y(trade.exit_price)];
    if (x < 0 || x > pen.width) return;
    if (!trade.selected) pen.line(pen.x(trade.start), pen.y(trade.entry), x, y, colour, 1, [2, 3]);
    if (trade.result_tone === "up") pen.dot(x, y, 4, colour);
    else pen.fill(x - 4, y - 4, x + 4, y + 4, colour);
    if (trade.result_label) pen.label([[trade.result_label, colour]], x + 7, y, "after");
  }
}

// One frame's drawing: turns times and prices into places, and keeps labels from covering each other.
class Pen {
  constructor(chart, context, { width, height }) {
    Object.assign(this, { chart, context, width, height, taken: [] });
    this.scale = chart.api.timeScale();
    this.font = chart.root.style.getPropertyValue("--font");
  }

  x(time) { return this.scale.logicalToCoordinate(this.chart.barAt(time)) ?? 0; }
  y(price) { return this.chart.candles.priceToCoordinate(price) ?? -1000; }

  // The left edges of the bars at `start` and `end`; an open end is the right edge of the picture.
  span(start, end) {
    const half = this.scale.options().barSpacing / 2;
    const edge = (time) => (this.scale.logicalToCoordinate(this.chart.logical(time)) ?? 0) - half;
    return [edge(start), end === null ? this.width : edge(end)];
  }

  fill(left, top, right, bottom, colour) {
    this.context.fillStyle = colour;
    this.context.fillRect(left, Math.min(top, bottom), right - left, Math.abs(bottom - top));
  }

  line(x0, y0, x1, y1, colour, width, dash) {
    const flat = y0 === y1 ? Math.round(y0) + (width % 2) / 2 : null;
    this.context.save();
    this.context.setLineDash(dash);
    this.context.strokeStyle = colour;
    this.context.lineWidth = width;
    this.context.beginPath();
    this.context.moveTo(x0, flat ?? y0);
    this.context.lineTo(x1, flat ?? y1);
    this.context.stroke();
    this.context.restore();
  }

  dot(x, y, radius, colour) {
    this.context.fillStyle = colour;
    this.context.beginPath();
    this.context.arc(x, y, radius, 0, 2 * Math.PI);
    this.context.fill();
  }

  // `parts` are [text, colour] in a row; the label moves up or down when its place is taken, and stays away when full.
  label(parts, x, y, side) {
    const { context } = this;
    context.font = LABEL_FONT + this.font;
    context.textBaseline = "middle";
    const widths = parts.map(([text]) => context.measureText(text).width);
    const width = widths.reduce((sum, one) => sum + one, 0) + 4 * (parts.length - 1) + 8;
    const left = side === "before" ? x - width : Math.min(x, this.width - width);
    const places = [0, -1, 1, -2, 2].map((step) => y + step * (LABEL_HEIGHT + 1));
    const middle = places.find((place) => this.isFree(left, place, width));
    if (middle === undefined) return;
    this.taken.push({ left, right: left + width, middle });
    this.fill(left, middle - LABEL_HEIGHT / 2, left + width, middle + LABEL_HEIGHT / 2,
      withAlpha(this.chart.colours.background, 0.85));
    let at = left + 4;
    parts.forEach(([text, colour], i) => {
      context.fillStyle = colour;
      context.fillText(text, at, middle + 0.5);
      at += widths[i] + 4;
    });
  }

  isFree(left, middle, width) {
    if (middle < LABEL_HEIGHT / 2 || middle > this.height - LABEL_HEIGHT / 2) return false;
    return this.taken.every((one) => left > one.right || left + width < one.left
      || Math.abs(middle - one.middle) > LABEL_HEIGHT);
  }

  sessionName(name, left, right, colour) {
    const { context } = this;
    context.font = LABEL_FONT + this.font;
    const text = name.toUpperCase();
    if (context.measureText(text).width + 8 > right - left) return;
    context.textBaseline = "bottom";
    context.textAlign = "right";
    context.fillStyle = colour;
    context.fillText(text, right - 5, this.height - SESSION_BAND - 1);
    context.textAlign = "left";
  }
}
