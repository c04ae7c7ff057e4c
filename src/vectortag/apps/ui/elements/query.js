// The field for a search of the library. data: {text, placeholder, address, help}. While one types, `address` is asked
// what could be meant. Event: query = the text, after Enter, or when the field is left.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  if (!root.input) build();
  root.send = (text) => setTriggerValue("query", text);
  root.address = data.address;
  root.input.placeholder = data.placeholder;
  root.input.title = data.help;
  if (root.sent !== data.text) {
    root.sent = root.input.value = data.text;
    root.clear.hidden = !data.text;
  }

  function build() {
    const input = (root.input = document.createElement("input"));
    const list = (root.list = document.createElement("ul"));
    const clear = (root.clear = document.createElement("button"));
    const icon = document.createElement("span");
    icon.className = "icon";
    icon.innerHTML = `<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/></svg>`;
    Object.assign(input, { type: "text", autocomplete: "off", spellcheck: false, enterKeyHint: "search" });
    const roles = { role: "combobox", "aria-label": "Search the library", "aria-autocomplete": "list", "aria-controls": "suggestions", "aria-expanded": "false", autocapitalize: "off" };
    for (const [name, value] of Object.entries(roles)) input.setAttribute(name, value);
    list.id = "suggestions";
    list.hidden = true;
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "Suggestions");
    Object.assign(clear, { type: "button", className: "clear", textContent: "×", hidden: true, title: "Clear the search" });
    clear.setAttribute("aria-label", "Clear the search");
    root.append(icon, input, clear, list);
    clear.onclick = () => { input.value = ""; submit(); input.focus(); };
    input.oninput = () => { clear.hidden = !input.value; clearTimeout(root.timer); root.timer = setTimeout(ask, 60); };
    input.onblur = () => { hide(); submit(); };
    input.onkeydown = pressed;
  }

  function pressed(event) {
    const options = [...root.list.children];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "Enter") {
      if (at >= 0) take(options[at].suggestion);
      else { hide(); submit(); }
    } else if (event.key === "Escape" && !root.list.hidden) hide();
    else if (event.key === "Tab" && at >= 0) take(options[at].suggestion);
    else if (event.key === "ArrowDown" && root.list.hidden) ask();
    else if (event.key === "ArrowDown") choose(options, (at + 1) % options.length);
    else if (event.key === "ArrowUp" && !root.list.hidden) choose(options, (at <= 0 ? options.length : at) - 1);
    else return;
    event.preventDefault();
  }

  async function ask() {
    const { value, selectionStart } = root.input;
    const number = (root.asked = (root.asked ?? 0) + 1);
    try {
      const answer = await fetch(`${root.address}?${new URLSearchParams({ q: value, at: [...value.slice(0, selectionStart)].length })}`);
      const found = answer.ok ? await answer.json() : [];
      if (number === root.asked && root.getRootNode().activeElement === root.input) show(found);
    } catch { /* the server is away: the page says so itself */ }
  }

  function show(found) {
    root.list.replaceChildren(...found.map(option));
    root.list.hidden = !found.length;
    root.input.setAttribute("aria-expanded", String(!!found.length));
    root.input.removeAttribute("aria-activedescendant");
  }

  function option(suggestion, place) {
    const line = document.createElement("li");
    line.id = `suggestion-${place}`;
    line.suggestion = suggestion;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", "false");
    const [name, kind] = [document.createElement("span"), document.createElement("small")];
    name.textContent = suggestion.kind === "field" ? suggestion.text : suggestion.shown;
    kind.textContent = suggestion.about;
    line.append(name, kind);
    line.onmousedown = (event) => { event.preventDefault(); take(suggestion); };
    return line;
  }

  function choose(options, at) {
    options.forEach((one, place) => one.setAttribute("aria-selected", String(place === at)));
    if (!options[at]) return;
    root.input.setAttribute("aria-activedescendant", options[at].id);
    options[at].scrollIntoView({ block: "nearest" });
  }

  function take({ text, start, end }) {
    const letters = [...root.input.value]; // as the server counts: code points
    root.input.value = letters.slice(0, start).join("") + text + letters.slice(end).join("").trimStart();
    const caret = letters.slice(0, start).join("").length + text.length;
    root.input.setSelectionRange(caret, caret);
    root.clear.hidden = false;
    hide();
    if (!text.endsWith(" ")) ask(); // a field waits for its value
  }

  function hide() {
    root.asked = (root.asked ?? 0) + 1; // no answer that is under way opens it again
    show([]);
  }

  function submit() {
    const text = root.input.value.trim();
    clearTimeout(root.timer);
    if (text === root.sent) return;
    root.sent = text;
    root.send(text);
  }
}
