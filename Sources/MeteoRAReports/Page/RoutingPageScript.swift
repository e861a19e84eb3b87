/// What shows the weights of one token.
enum RoutingPageScript {
  /// The element that it fills, hidden until it runs, and the script.
  static let detail = """
    <aside id="detail" hidden="hidden" tabindex="0" aria-label="Weights of a token">\
    <div aria-live="polite"></div><table aria-label="By layer and module"></table></aside>
    <script>\(text)</script>

    """

  /// The SHA-256 of ``text`` in Base64, by which the page's policy allows this script and no other.
  ///
  /// After a change the test that checks it tells the new one.
  static let digest = "Mo0c7/q81SQeO9WbruDzHC9GIFA0CrkXNmE3wlwaDY4="

  /// The text of the script's element as HTML has it. Who reads the page as XML takes the marks of
  /// the section out, and a browser does not run it then.
  static let text = """

    //<![CDATA[
    \(script)
    //]]>

    """

  /// Point at a token to see its weights, click, tap or move with the arrow keys to keep them,
  /// Escape to let go. Of a section's tokens one is in the order of the Tab key.
  private static let script = """
    "use strict";
    (() => {
      const columns = ["q", "k", "v", "o", "gate", "up", "down"];
      const aside = document.getElementById("detail");
      const spoken = aside.querySelector("div");
      const table = aside.querySelector("table");
      const names = [...document.querySelectorAll(".legend bdi")].map(e => e.textContent);
      const sections = [...document.querySelectorAll("main section")].map(section => {
        const data = section.querySelector("script[data-modules]");
        return {
          tokens: [...section.querySelectorAll(".t")],
          stop: null,
          prompt: section.querySelectorAll("[id^=prompt] + .text .t").length,
          text: data ? data.textContent : "",
          topK: data ? Number(data.dataset.k) : 0,
          ids: data ? data.dataset.ids.split(" ") : [],
          modules: data && data.dataset.modules
            ? data.dataset.modules.split(" ").map(m => m.split(".").map(Number)) : [],
        };
      });
      const places = new Map();
      sections.forEach(s => s.tokens.forEach((t, i) => places.set(t, [s, i])));
      let kept = null, shown = null;

      function add(parent, tag, text, cls) {
        const element = document.createElement(tag);
        if (text) element.textContent = text;
        if (cls) element.className = cls;
        return parent.appendChild(element);
      }

      // The choices of a token: [adapter, weight] of every module.
      function choices(section, index) {
        const length = section.modules.length * section.topK * 4;
        const code = atob(section.text.slice(index * length, (index + 1) * length));
        const byte = i => code.charCodeAt(i);
        const all = [];
        for (let i = 0; i + 2 < code.length; i += 3) {
          const bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
          const weight = bits & 16383;
          all.push([bits >> 14, weight === 16383 ? NaN : weight / 10000]);
        }
        return section.modules.map((_, m) => all.slice(m * section.topK, (m + 1) * section.topK));
      }

      function value(parent, adapter, weight, text, tag) {
        const element = add(parent, tag, "", "v a" + adapter);
        element.style.setProperty("--d", 0.12 + 0.88 * (weight || 0));
        add(element, "b", String(adapter));
        element.append(" " + text);
        element.title = names[adapter];
      }

      function show(token) {
        if (shown) shown.classList.remove("on");
        shown = token;
        spoken.textContent = table.textContent = "";
        if (!token) {
          add(spoken, "p", "Point at a token, tap it, or reach it with Tab and the arrow keys, to see "
            + "its weights by layer and module.");
          return;
        }
        token.classList.add("on");
        const [section, index] = places.get(token);
        const modules = choices(section, index);
        const head = add(spoken, "p");
        const part = index < section.prompt ? "prompt" : "answer";
        add(head, "b", "Token " + (index + 1) + " of " + section.tokens.length);
        head.append(" (" + part + "), id " + section.ids[index] + " ");
        const copy = add(head, "bdi").appendChild(token.cloneNode(true));
        copy.classList.remove("on");
        copy.removeAttribute("tabindex");
        if (modules.every(m => m.length === 0)) {
          add(spoken, "p", "It was not run, so it has no routing.");
          return;
        }
        const sums = new Map();
        for (const [adapter, weight] of modules.flat()) {
          sums.set(adapter, (sums.get(adapter) || 0) + weight / modules.length);
        }
        const order = [...sums].sort((a, b) => b[1] - a[1] || a[0] - b[0]);
        const totals = add(spoken, "p", order.length > 8 ? "The largest of " + order.length + ": " : "");
        for (const [adapter, share] of order.slice(0, 8)) {
          value(totals, adapter, share, names[adapter] + " " + (100 * share).toFixed(1) + " %", "span");
          totals.append(" ");
        }
        const used = columns.map((_, c) => c).filter(c => section.modules.some(m => m[1] === c));
        const top = add(add(table, "thead"), "tr");
        for (const text of ["Layer", ...used.map(c => columns[c])]) add(top, "th", text).scope = "col";
        const body = add(table, "tbody");
        let row = null, layer = -1, cells = [];
        section.modules.forEach(([at, column], m) => {
          if (at !== layer) {
            layer = at;
            row = add(body, "tr");
            add(row, "th", String(layer)).scope = "row";
            cells = used.map(() => add(row, "td"));
          }
          const cell = cells[used.indexOf(column)];
          for (const [adapter, weight] of modules[m].slice(0, 4)) {
            value(cell, adapter, weight, weight.toFixed(4), "span");
          }
          if (modules[m].length > 4) add(cell, "span", "+ " + (modules[m].length - 4), "soft");
        });
      }

      function keep(token) {
        kept = token;
        show(token);
      }

      // Makes a token the one of its section that Tab stops at.
      function stopAt(token) {
        const [section] = places.get(token);
        if (section.stop) section.stop.removeAttribute("tabindex");
        section.stop = token;
        token.tabIndex = 0;
        return token;
      }

      document.documentElement.classList.add("asks");
      aside.hidden = false;
      for (const section of sections) if (section.tokens.length) stopAt(section.tokens[0]);
      const main = document.querySelector("main");
      const tokenOf = event => event.target.closest(".t");
      main.addEventListener("pointerover", e => { const t = tokenOf(e); if (t) show(t); });
      main.addEventListener("pointerleave", () => show(kept));
      main.addEventListener("focusin", e => { const t = tokenOf(e); if (t) keep(t); });
      main.addEventListener("click", e => {
        const token = tokenOf(e);
        if (token) stopAt(token).focus(); else keep(null);
      });
      main.addEventListener("keydown", e => {
        const token = tokenOf(e);
        // With another key they are the browser's: back, or to extend what is selected.
        if (!token || e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
        const [section, index] = places.get(token);
        const last = section.tokens.length - 1;
        const to = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: 0, End: last }[e.key];
        if (e.key === "Escape") { token.blur(); keep(null); }
        if (to === undefined) return;
        e.preventDefault();
        stopAt(section.tokens[Math.min(Math.max(to, 0), last)]).focus();
      });
      show(null);
    })();
    """
}
