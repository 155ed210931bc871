// What stands above the chart's canvas as HTML: the legend of the bar under the crosshair, and the view buttons.
const STYLE = `
.price-chart { position: relative; width: 100%; height: 100%; overflow: hidden; container-type: inline-size; }
.price-chart .pane { position: absolute; inset: 0; }
.price-chart .over { position: absolute; z-index: 3; inset: 0 var(--axis, 64px) auto 0; display: flex; flex-wrap: wrap;
  gap: 0 10px; padding: 6px 8px; pointer-events: none; color: var(--text); font: 12px/1.5 var(--font);
  font-variant-numeric: tabular-nums; text-shadow: 0 0 3px var(--background); }
.price-chart .over > * { white-space: nowrap; }
.price-chart.no-bars .over > :not(b) { display: none; }
.price-chart .when { color: var(--muted); }
.price-chart .views { display: flex; gap: 5px; position: absolute; top: 6px; right: 8px; }
.price-chart .views button { pointer-events: auto; cursor: pointer; font: 600 11px/1 var(--font); padding: 6px 9px;
  color: var(--text); background: var(--panel); border: 1px solid var(--border); border-radius: 4px; }
.price-chart .views button:hover, .price-chart .views button:focus-visible { border-color: var(--up); outline: none; }
@container (max-width: 480px) {
  .price-chart .over { font-size: 11px; gap: 0 7px; }
  .price-chart .over > b { flex-basis: 100%; line-height: 25px; }
  .price-chart .over > .prices { order: 1; }
}
`;
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const two = (number) => String(number).padStart(2, "0");
const clock = (date) => `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;

// `time` is wall-clock seconds; reading them as UTC gives that clock's figures back.
export function timeText(time, scene) {
  const date = new Date(time * 1000);
  const day = `${DAYS[date.getUTCDay()]} ${date.getUTCDate()} ${MONTHS[date.getUTCMonth()]}`;
  if (scene.bar_seconds >= 86400) return `${day} ${date.getUTCFullYear()}`;
  return `${day} ${clock(date)} ${scene.zone_label}`;
}

export class Overlay {
  constructor(root, onView) {
    this.root = root;
    this.onView = onView;
    root.setAttribute("role", "group");
    const style = document.createElement("style");
    style.textContent = STYLE;
    this.pane = element("div", "pane");
    this.title = element("b", "");
    this.when = element("span", "when");
    this.prices = ["O", "H", "L", "C"].map(labelled);
    this.change = element("span", "change");
    this.volume = labelled("Vol");
    const prices = element("span", "prices");
    prices.append(...this.prices.flatMap(({ part }) => [part, " \u2002"]).slice(0, -1));
    this.views = element("div", "views");
    const over = element("div", "over");
    over.append(this.title, this.when, prices, this.change, this.volume.part, this.views);
    root.append(style, this.pane, over);
  }

  style(colours, font) {
    for (const name of ["background", "panel", "border", "text", "muted", "up"])
      this.root.style.setProperty(`--${name}`, colours[name]);
    this.root.style.setProperty("--font", font);
    this.colours = colours;
  }

  showViews(views) {
    const wanted = JSON.stringify(views);
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.views.replaceChildren(...views.map((view) => {
      const button = element("button", "");
      button.type = "button";
      button.textContent = view.label;
      button.onclick = () => this.onView(view);
      return button;
    }));
  }

  describe(bars, index, hovered, scene) {
    this.title.textContent = `${scene.symbol} · ${scene.timeframe}${index < 0 ? " · no bars" : ""}`;
    this.root.classList.toggle("no-bars", index < 0);
    if (index < 0) return;
    const price = (value) => value.toFixed(scene.decimals);
    const move = bars.close[index] - bars.open[index];
    const colour = move >= 0 ? this.colours.up : this.colours.down;
    const utc = clock(new Date((bars.time[index] - scene.utc_offset_seconds) * 1000));
    const twoClocks = hovered && scene.bar_seconds < 86400 && scene.zone_label !== "UTC";
    this.when.textContent = timeText(bars.time[index], scene) + (twoClocks ? ` · ${utc} UTC` : "");
    [bars.open, bars.high, bars.low, bars.close].forEach((column, i) => {
      this.prices[i].value.textContent = price(column[index]);
      this.prices[i].value.style.color = colour;
    });
    this.change.textContent = `${move >= 0 ? "▲" : "▼"} ${price(Math.abs(move))}`;
    this.change.style.color = colour;
    this.volume.value.textContent = bars.volume[index].toLocaleString("en-US");
  }
}

function labelled(name) {
  const part = element("span", name);
  const value = element("span", "value");
  part.append(`${name} `, value);
  return { part, value };
}

function element(tag, name) {
  const made = document.createElement(tag);
  made.className = name;
  return made;
}
