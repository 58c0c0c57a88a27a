"use strict";
// Draws the figures, and again when a method is hidden, a part is chosen or the width changes. Colours are CSS variables:
// light, dark and print need no drawing.
(() => {
  const { config, methods, figures } = JSON.parse(document.getElementById("report-data").textContent);
  const hidden = new Set();

  function decode({ length, columns }) {
    const rows = Array.from({ length }, () => ({}));
    for (const [key, column] of Object.entries(columns)) {
      const value = column.codes ? (i) => column.levels[column.codes[i]] : (i) => column[i];
      rows.forEach((row, i) => { row[key] = value(i); });
    }
    return rows;
  }

  function shownRows(figure) {
    const values = figure.choice && new Set(figure.choice.options[figure.chosen]);
    return figure.rows.filter((row) => !hidden.has(row.method) && (!values || values.has(row[figure.choice.field])));
  }

  // The specification without the hidden methods' places in scales and legends.
  function withoutHidden(node) {
    if (Array.isArray(node)) return node.map(withoutHidden);
    if (node === null || typeof node !== "object") return node;
    const copy = Object.fromEntries(Object.entries(node).map(([key, item]) => [key, withoutHidden(item)]));
    if (node.field === "method" && node.scale?.range) {
      const kept = node.scale.domain.map((name, i) => [name, node.scale.range[i]]).filter(([name]) => !hidden.has(name));
      copy.scale = { ...node.scale, domain: kept.map((pair) => pair[0]), range: kept.map((pair) => pair[1]) };
    }
    if (node.field === "method" && Array.isArray(node.sort)) copy.sort = node.sort.filter((name) => !hidden.has(name));
    return copy;
  }

  // The same rule as fit_width in figures/layout.py.
  function fit(spec, rows, width) {
    const meta = spec.usermeta;
    if (!meta.columns) return { ...spec, width: width - meta.room };
    const plots = new Set(rows.map((row) => row[meta.field])).size;
    const columns = Math.max(1, Math.min(meta.columns, plots, Math.floor(width / meta.minimum)));
    return { ...spec, columns, spec: { ...spec.spec, width: Math.floor(width / columns) - meta.room } };
  }

  async function draw(figure) {
    const rows = shownRows(figure);
    const width = Math.floor(figure.element.clientWidth);
    figure.view?.finalize();
    figure.view = null;
    if (!rows.length) {
      figure.plot.textContent = "Nothing to show: every method of this figure is hidden.";
    } else {
      const spec = { ...fit(withoutHidden(figure.spec), rows, width), datasets: { rows }, background: "transparent" };
      const legend = { ...config.legend, columns: width < 500 ? 2 : 4 };
      const options = { mode: "vega-lite", renderer: "svg", actions: false, config: { ...config, legend, font: "system-ui, sans-serif" } };
      figure.view = await vegaEmbed(figure.plot, spec, options);
    }
  }

  // One figure at a time, what is in sight first; a figure asked for again is drawn once more, never twice at once.
  const waiting = new Set();
  let working = false;
  async function request(list = figures) {
    list.forEach((figure) => waiting.add(figure));
    document.documentElement.dataset.state = "drawing";
    if (working) return;
    working = true;
    const far = (figure) => Math.abs(figure.element.getBoundingClientRect().top);
    while (waiting.size) {
      const [figure] = [...waiting].sort((a, b) => far(a) - far(b));
      waiting.delete(figure);
      try {
        await draw(figure);
      } catch (error) {
        figure.plot.textContent = `This figure could not be drawn: ${error.message}`;
        console.error(figure.name, error);
      }
      await new Promise((done) => setTimeout(done));
    }
    working = false;
    document.documentElement.dataset.state = "drawn";
  }

  for (const figure of figures) {
    figure.rows = decode(figure.table);
    figure.element = document.getElementById(`figure-${figure.name}`);
    figure.plot = figure.element.querySelector(".plot");
    figure.chosen = figure.choice && Object.keys(figure.choice.options)[0];
    figure.element.querySelector("select")?.addEventListener("change", (event) => {
      figure.chosen = event.target.value;
      request([figure]);
    });
  }

  const sheet = document.head.appendChild(document.createElement("style"));
  document.querySelector(".chips").addEventListener("change", (event) => {
    const name = methods[event.target.value];
    if (event.target.checked) hidden.delete(name); else hidden.add(name);
    const places = [...hidden].map((each) => `[data-method="${methods.indexOf(each)}"]`);
    sheet.textContent = places.length ? `${places.join()} { display: none; }` : "";
    request();
  });

  let width = document.documentElement.clientWidth;
  let timer;
  addEventListener("resize", () => {
    if (document.documentElement.clientWidth === width || matchMedia("print").matches) return;
    width = document.documentElement.clientWidth;
    clearTimeout(timer);
    timer = setTimeout(() => request(), 150);
  });

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((each) => { each.open = true; });
  });
  addEventListener("afterprint", () => closed.forEach((each) => { each.open = false; }));

  request();
})();
