// Small plots of what Envoy counts: numbers are fetched while the page is seen, and rates are made of two of them.
"use strict";

const POINTS = 180;
const EACH = 2000;
const REST = 10;
const WINDOW = POINTS * EACH / 1000;
const group = document.querySelector("[data-numbers]");
const figures = [...group.querySelectorAll("figure[data-plot]")].map(made);
const times = [];
let before = null;

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function made(figure) {
  const series = figure.dataset.plot.split(",").map((each) => {
    const [sort, name, label] = each.split(":");
    return { sort, name, label };
  });
  return { figure, series, unit: figure.dataset.unit, now: figure.querySelector(".now"), data: series.map(() => []), plot: null };
}

function draw(each) {
  if (each.plot) each.plot.destroy();
  const lines = ["--accent", "--stopped", "--warned"];
  const axis = () => ({ stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } });
  each.plot = new uPlot({
    width: each.figure.clientWidth - 2, height: 140, legend: { show: false }, cursor: { show: false },
    scales: { x: { range: (u, first, last) => [last - WINDOW, last] }, y: { range: (u, low, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [{ ...axis(), size: 26, space: 80, values: (u, ticks) => ticks.map(clock) }, { ...axis(), size: 52 }],
    series: [{}, ...each.series.map((one, place) => ({
      stroke: colour(each.series.length === 3 ? ["--ok", "--warned", "--stopped"][place] : lines[place]), width: 2, spanGaps: true,
      points: { show: false },
    }))],
  }, [times, ...each.data], each.figure);
  each.plot.root.setAttribute("aria-hidden", "true");
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
}

function short(value) {
  return value === null || value === undefined ? "none" : value >= 100 ? value.toFixed(0) : String(+value.toFixed(1));
}

function take(told) {
  times.push(told.at);
  for (const each of figures) {
    const words = each.series.map((one, place) => {
      let value = told[one.name] ?? null;
      if (one.sort === "rate") {
        const grown = before && value !== null && before[one.name] <= value;
        value = grown ? (value - before[one.name]) / (told.at - before.at) : null;
      }
      each.data[place].push(value);
      if (times.length > POINTS) each.data[place].shift();
      return `${one.label} ${short(value)}${value === null ? "" : each.unit}`;
    });
    each.now.textContent = words.join(", ");
  }
  if (times.length > POINTS) times.shift();
  before = told;
  for (const each of figures) {
    if (each.plot) each.plot.setData([times, ...each.data]); else draw(each);
  }
}

async function ask() {
  let took = 0;
  if (!document.hidden) {
    const began = performance.now();
    try {
      const answer = await fetch(group.dataset.numbers);
      if (answer.ok) take(await answer.json());
    } catch { before = null; }
    took = performance.now() - began;
  } else {
    before = null;
  }
  setTimeout(ask, Math.max(EACH, REST * took));
}

new ResizeObserver(() => figures.forEach((each) => {
  if (each.plot) each.plot.setSize({ width: each.figure.clientWidth - 2, height: 140 });
})).observe(group);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => figures.forEach((each) => each.plot && draw(each)));
ask();
