(function () {
  "use strict";
  const PAPER = 690; // px between the margins of a printed page
  const root = document.documentElement;
  const phone = matchMedia("(max-width: 640px)");
  const specs = JSON.parse(document.getElementById("figures").textContent);
  const config = {
    displaylogo: false, responsive: true, scrollZoom: false, doubleClick: false,
    modeBarButtons: [["toImage"]], displayModeBar: "hover"
  };

  function themed(value, style) {
    if (typeof value === "string") {
      const name = /^var\((--[\w-]+)\)$/.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => themed(item, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, themed(item, style)]));
    }
    return value;
  }

  // On a phone and on paper: smaller letters, fewer ticks, more room for the text at the end of a bar, maybe shorter labels.
  function fit(layout, ticks, labels) {
    layout.font.size = 10.5;
    for (const [name, texts] of Object.entries(labels)) layout[name].ticktext = texts;
    for (const [name, axis] of Object.entries(layout)) {
      if (!name.startsWith("xaxis")) continue;
      if (axis.tickvals) {
        const step = Math.ceil(axis.tickvals.length / ticks);
        axis.tickvals = axis.tickvals.filter((_, i) => i % step === 0);
        axis.ticktext = axis.ticktext.filter((_, i) => i % step === 0);
      } else if (axis.range && axis.type !== "date") {
        axis.range[1] *= 1.12;
        axis.nticks = ticks;
      }
    }
  }

  function draw(width) {
    const style = getComputedStyle(root);
    for (const [id, spec] of Object.entries(specs)) {
      const { data, layout } = themed(spec, style);
      if (width) fit(layout, 6, {});
      else if (phone.matches) fit(layout, 4, spec.narrow);
      if (width) layout.width = width;
      Plotly.react(id, data, { ...layout, autosize: !width }, { ...config, responsive: !width });
    }
  }

  function fold(button) {
    const more = document.getElementById(button.getAttribute("aria-controls"));
    more.hidden = !more.hidden;
    button.setAttribute("aria-expanded", String(!more.hidden));
    button.textContent = more.hidden ? "Show all rows" : "Show fewer rows";
  }

  draw();
  for (const button of document.querySelectorAll(".fold button")) {
    fold(button);
    button.addEventListener("click", () => fold(button));
  }
  phone.addEventListener("change", () => draw());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());
  addEventListener("beforeprint", () => { root.classList.add("paper"); draw(PAPER); });
  addEventListener("afterprint", () => { root.classList.remove("paper"); draw(); });
})();
