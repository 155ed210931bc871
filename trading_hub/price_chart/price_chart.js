// The hub's price chart as a Streamlit component: one chart per place on the page, kept over reruns.
//
// `data.bars` is an Arrow table (time, open, high, low, close, volume), `data.scene` what else is shown; both are
// described in app_pages/price_chart.py. Times are seconds of the display wall clock: no zone is known here.
import {
  CandlestickSeries, ColorType, createChart, createSeriesMarkers, CrosshairMode, HistogramSeries, LineStyle,
} from "./lightweight-charts.standalone.production.mjs";
import { Overlay, timeText } from "./overlay.js";
import { SceneLayer, withAlpha } from "./scene_layer.js";

const COLUMNS = ["time", "open", "high", "low", "close", "volume"];
const MOST_UPDATES = 100; // more changed bars than this are quicker set than updated one by one
const charts = new WeakMap();

export default function ({ parentElement, data, setTriggerValue }) {
  let chart = charts.get(parentElement);
  if (!chart) charts.set(parentElement, (chart = new PriceChart(parentElement)));
  chart.onPick = (name) => setTriggerValue("picked_range", name);
  chart.show(data.bars, data.scene);
  return () => { // also called for a draw that a newer one overtook: then the chart is still on the page
    if (chart.root.isConnected) return;
    charts.delete(parentElement);
    chart.api.remove();
  };
}

class PriceChart {
  constructor(parent) {
    this.root = document.createElement("div");
    this.root.className = "price-chart";
    this.root.chart = this; // for the console and the browser tests
    parent.appendChild(this.root);
    this.overlay = new Overlay(this.root, (view) => this.showView(view));
    this.bars = null;
    this.api = createChart(this.overlay.pane, {
      autoSize: true,
      layout: { attributionLogo: true, background: { type: ColorType.Solid, color: "transparent" }, fontSize: 12 },
      crosshair: { mode: CrosshairMode.Normal },
      handleScroll: { vertTouchDrag: false }, // a finger moving up or down scrolls the page
      timeScale: { timeVisible: true, secondsVisible: false, minBarSpacing: 0.05, shiftVisibleRangeOnNewBar: false },
    });
    this.candles = this.api.addSeries(CandlestickSeries, { priceLineVisible: false, lastValueVisible: false });
    this.volume = this.api.addSeries(HistogramSeries, {
      priceScaleId: "", priceFormat: { type: "volume" }, priceLineVisible: false, lastValueVisible: false,
    });
    this.volume.priceScale().applyOptions({ scaleMargins: { top: 0.86, bottom: 0.045 } });
    this.layer = new SceneLayer(this);
    this.candles.attachPrimitive(this.layer);
    this.markers = createSeriesMarkers(this.candles, []);
    this.priceLine = this.candles.createPriceLine({ price: 0, lineStyle: LineStyle.Dashed, lineWidth: 1, title: "" });
    this.api.subscribeCrosshairMove((move) => this.describe(move.point ? move.logical : null));
    this.api.subscribeClick(({ point }) => {
      const box = point && this.layer.boxAt(point.x, point.y);
      if (box) this.onPick(box.name);
    });
  }

  show(table, scene) {
    this.scene = scene;
    this.style();
    this.setBars(Object.fromEntries(COLUMNS.map((name) => [name, table.getChild(name).toArray()])));
    if (this.viewed !== scene.view_key && this.bars.time.length) {
      this.viewed = scene.view_key;
      this.showView(scene.views[0]);
    }
    this.priceLine.applyOptions({
      price: scene.last_price ?? 0, lineVisible: scene.last_price !== null, axisLabelVisible: scene.last_price !== null,
    });
    this.markers.setMarkers(this.bars.time.length ? scene.marks.map((mark) => this.marker(mark)) : []);
    this.layer.update();
    this.overlay.showViews(scene.views);
    this.describe(this.hovered);
    this.announce();
  }

  style() {
    const scene = this.scene;
    const css = getComputedStyle(this.root);
    const font = css.getPropertyValue("--st-font") || "sans-serif";
    const dark = luminance(css.getPropertyValue("--st-background-color")) < 0.4;
    const narrow = this.root.clientWidth < 480; // the legend then takes three lines
    const { up_down, bar_seconds, decimals, min_move, zone_label } = scene;
    const look = [dark, narrow, up_down, bar_seconds, decimals, min_move, zone_label].join();
    if (look === this.look) return;
    this.look = look;
    const c = (this.colours = scene.palette[dark ? "dark" : "light"]);
    const grid = { color: withAlpha(c.muted, 0.13) };
    const cross = { color: c.muted, labelBackgroundColor: c.muted };
    this.overlay.style(c, font);
    this.api.applyOptions({
      layout: { textColor: c.muted, fontFamily: font },
      grid: { vertLines: grid, horzLines: grid },
      crosshair: { vertLine: cross, horzLine: cross },
      rightPriceScale: { borderColor: c.border, scaleMargins: { top: narrow ? 0.17 : 0.11, bottom: 0.17 } },
      timeScale: { borderColor: c.border, timeVisible: scene.bar_seconds < 86400 },
      localization: { locale: "en-US", timeFormatter: (time) => timeText(time, scene) },
    });
    this.candles.applyOptions({
      upColor: "transparent", borderUpColor: c.up, wickUpColor: c.up, // up is hollow, down is filled: not colour alone
      downColor: c.down, borderDownColor: c.down, wickDownColor: c.down,
      priceFormat: { type: "price", precision: scene.decimals, minMove: scene.min_move },
    });
    this.priceLine.applyOptions({ color: c.muted, axisLabelColor: c.muted, axisLabelTextColor: c.background });
    if (this.bars) this.volume.setData(this.items(this.bars, (b, i) => this.volumeItem(b, i)));
  }

  setBars(next) {
    const old = this.bars;
    const count = next.time.length;
    const kept = old ? old.time.length : 0;
    let first = 0;
    while (first < kept && first < count && COLUMNS.every((name) => old[name][first] === next[name][first])) first++;
    this.bars = next;
    if (first === count && first === kept) return;
    const extends_ = kept > 0 && count >= kept && first >= kept - 1 && count - first <= MOST_UPDATES;
    const sameStart = kept > 0 && count > 0 && old.time[0] === next.time[0];
    const visible = sameStart && this.api.timeScale().getVisibleLogicalRange();
    if (extends_) {
      for (let i = first; i < count; i++) {
        this.candles.update(this.candle(next, i));
        this.volume.update(this.volumeItem(next, i));
      }
    } else {
      this.candles.setData(this.items(next, (b, i) => this.candle(b, i)));
      this.volume.setData(this.items(next, (b, i) => this.volumeItem(b, i)));
    }
    if (!visible) return;
    const followed = visible.to >= kept - 1 && visible.to < count; // the last bar was in sight and now would not be
    const shift = followed ? count - kept : 0;
    this.api.timeScale().setVisibleLogicalRange({ from: visible.from + shift, to: visible.to + shift });
  }

  items(bars, item) { return Array.from(bars.time, (_, i) => item(bars, i)); }

  candle(b, i) { return { time: b.time[i], open: b.open[i], high: b.high[i], low: b.low[i], close: b.close[i] }; }

  volumeItem(b, i) {
    const colour = b.close[i] >= b.open[i] ? this.colours.up : this.colours.down;
    return { time: b.time[i], value: b.volume[i], color: withAlpha(colour, 0.4) };
  }

  marker(mark) {
    const up = mark.direction === "up";
    const time = this.bars.time[Math.max(this.barAt(mark.time), 0)];
    const [shape, position] = up ? ["arrowUp", "belowBar"] : ["arrowDown", "aboveBar"];
    return { time, shape, position, text: mark.text, color: up ? this.colours.up : this.colours.down };
  }

  // The index of the first bar at or after `time`; before and after the bars it goes on in whole bars.
  logical(time) {
    const times = this.bars.time;
    const last = times.length - 1;
    if (last < 0) return 0;
    if (time <= times[0]) return (time - times[0]) / this.scene.bar_seconds;
    if (time > times[last]) return last + Math.ceil((time - times[last]) / this.scene.bar_seconds);
    let low = 0;
    let high = last;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] < time) low = middle + 1; else high = middle;
    }
    return low;
  }

  // The index of the bar that holds `time`: the last that starts at or before it; -1 before the first.
  barAt(time) {
    const index = Math.min(Math.max(Math.floor(this.logical(time)), -1), this.bars.time.length - 1);
    return this.bars.time[index] > time ? index - 1 : index;
  }

  showView(view) {
    if (!view || !this.bars.time.length) return;
    const to = this.logical(view.end) - 0.5;
    const room = 0.015 * to; // the first time label keeps its left half
    const from = Math.min(Math.max(this.logical(view.start), -room) - 0.5, to - 5);
    this.api.timeScale().setVisibleLogicalRange({ from, to });
    this.api.priceScale("right").setAutoScale(true);
  }

  describe(logical) {
    this.hovered = logical ?? null;
    const last = this.bars.time.length - 1;
    const hovered = this.hovered !== null && logical >= 0 && Math.round(logical) <= last;
    this.overlay.describe(this.bars, hovered ? Math.round(logical) : last, hovered, this.scene);
  }

  async announce() {
    const { scene, bars } = this;
    const count = bars.time.length;
    await document.fonts.load(`12px ${this.root.style.getPropertyValue("--font")}`);
    if (!this.root.isConnected) return; // the page has gone on
    this.api.applyOptions({}); // canvas text is measured again, now in the font of the page
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    if (!this.root.isConnected) return;
    this.root.style.setProperty("--axis", `${this.api.priceScale("right").width()}px`);
    this.root.setAttribute("data-bars", count);
    this.root.setAttribute("data-mode", this.colours.background === scene.palette.dark.background ? "dark" : "light");
    this.root.setAttribute("data-ready", scene.view_key);
    this.root.setAttribute("aria-label", `${scene.symbol} ${scene.timeframe} price chart, ${count} bars`);
  }
}

function luminance(colour) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = colour.trim() || "#000000";
  const [red, green, blue] = [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16) / 255);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
