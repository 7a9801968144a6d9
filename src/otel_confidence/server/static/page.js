// Keeps a page up to date: asks its data source, replaces what changed, redraws the figures.
"use strict";

(() => {
  const main = document.querySelector("main[data-source]");
  if (!main) return;

  const everyMs = Number(main.dataset.every) * 1000;
  const patienceMs = 30_000;
  const status = document.querySelector("[data-status]");
  const notice = document.querySelector("[data-notice]");
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  let figures = {};
  let updated = null;
  let timer = null;
  let asking = false;

  // As every other time on the page.
  const clock = (moment) => `${moment.toISOString().slice(11, 19)} UTC`;

  // Figures name their colors as CSS variables; Plotly wants them resolved.
  const resolved = (value, key, styles) => {
    if (typeof value === "string" && /color/i.test(key)) {
      const variable = /^var\((--[\w-]+)\)$/.exec(value);
      return variable ? styles.getPropertyValue(variable[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((item) => resolved(item, key, styles));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [name, resolved(item, name, styles)]),
    );
  };

  const draw = () => {
    const styles = getComputedStyle(document.documentElement);
    for (const place of main.querySelectorAll("[data-figure]")) {
      const figure = figures[place.dataset.figure];
      const empty = place.parentElement.querySelector("[data-empty]");
      place.hidden = !figure;
      if (empty) empty.hidden = Boolean(figure) || updated === null;
      if (!figure) continue;
      const { data, layout } = resolved(figure, "", styles);
      Plotly.react(place, data, layout, { displayModeBar: false, responsive: true });
    }
  };

  // Replacing a part must not take the keyboard's focus away, nor close what a reader opened.
  const replace = (part, text) => {
    if (part.textSent === text) return;
    const open = [...part.querySelectorAll("details[open][id]")].map((each) => each.id);
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const address = focused?.getAttribute("href") ?? null;
    const place = focused?.closest("[id]")?.id ?? null;
    part.innerHTML = text;
    part.textSent = text;
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (address !== null) {
      [...part.querySelectorAll("a")].find((a) => a.getAttribute("href") === address)?.focus();
    } else if (place !== null && place !== part.id) {
      const again = document.getElementById(place);
      (again?.querySelector("summary, button") ?? again)?.focus();
    }
  };

  const show = (answer) => {
    for (const part of main.querySelectorAll("[data-part]")) {
      replace(part, answer.parts[part.dataset.part] ?? "");
    }
    main.dataset.state = answer.state;
    figures = answer.figures;
    updated = new Date();
    status.textContent = `Updated ${clock(updated)}`;
    notice.hidden = true;
    draw();
  };

  const complain = (reason) => {
    const since = updated ? ` What you see is from ${clock(updated)}.` : "";
    const text = `${reason}${since} Trying again every ${main.dataset.every} seconds.`;
    if (notice.textContent !== text) notice.textContent = text;
    notice.hidden = false;
  };

  const ask = async () => {
    let response;
    try {
      response = await fetch(main.dataset.source, { signal: AbortSignal.timeout(patienceMs) });
    } catch {
      return complain("The server does not answer.");
    }
    let answer;
    try {
      answer = await response.json();
    } catch {
      return complain(`The server answered with status ${response.status}.`);
    }
    return response.ok ? show(answer) : complain(`The server reports: ${answer.error}.`);
  };

  const turn = async () => {
    if (asking) return;
    clearTimeout(timer);
    asking = true;
    if (!document.hidden) await ask();
    asking = false;
    timer = setTimeout(turn, everyMs);
  };

  darkness.addEventListener("change", draw);
  document.addEventListener("visibilitychange", () => document.hidden || turn());
  main.addEventListener("change", (event) => {
    if (event.target.matches("select[data-submit]")) event.target.form.requestSubmit();
  });
  turn();
})();
