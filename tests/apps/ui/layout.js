// What of the page is in sight: {wide, boxes, overlaps, cut}. wide = pixels by which the page is wider than the window;
// boxes = {landmark: [x, y, width, height]}; overlaps = pairs of texts, controls and pictures of which both show;
// cut = controls that the window's edge cuts off, where nothing scrolls sideways; unreachable = controls that neither the
// Tab key nor the arrow keys of a group reach.
(() => {
  const LANDMARKS =
    "[data-testid=stHeader], h1, h2, h3, [data-testid=stFileUploader], [data-testid=stTabs], [data-testid=stDataFrame], " +
    "[data-testid=stExpander], [data-testid=stAlert], [data-testid=stImage], [data-testid=heat], [data-testid=stSelectbox], " +
    "[data-testid=stTextInput], [data-testid=stMultiSelect], [data-testid=stSlider], [data-testid=stButtonGroup], " +
    "[data-testid=stDownloadButton], [data-testid=stButton], [data-testid=stPopover], .root";
  const CONTROLS = "button, input, textarea, select, img, canvas, video, a[href]";

  function all(root) {
    const found = [];
    for (const element of root.querySelectorAll("*")) {
      found.push(element);
      if (element.shadowRoot) found.push(...all(element.shadowRoot));
    }
    return found;
  }

  const parent = (element) => element.parentElement ?? (element.getRootNode().host || null);

  function ancestors(element) {
    const found = [];
    for (let at = element; at; at = parent(at)) found.push(at);
    return found;
  }

  // The part of an element that is in the window and not cut off by a box around it; null if there is none.
  function seen(element, rect) {
    let box = { left: Math.max(0, rect.left), top: Math.max(0, rect.top), right: Math.min(innerWidth, rect.right), bottom: Math.min(innerHeight, rect.bottom) };
    let fixed = getComputedStyle(element).position === "fixed";
    for (const around of ancestors(element).slice(1)) {
      const style = getComputedStyle(around);
      if (!fixed && style.display !== "contents" && (style.overflowX !== "visible" || style.overflowY !== "visible")) {
        const edge = around.getBoundingClientRect();
        box = { left: Math.max(box.left, edge.left), top: Math.max(box.top, edge.top), right: Math.min(box.right, edge.right), bottom: Math.min(box.bottom, edge.bottom) };
      }
      fixed ||= style.position === "fixed";
    }
    return box.right - box.left > 2 && box.bottom - box.top > 2 ? box : null;
  }

  function drawn(element) {
    return element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest("[aria-hidden=true]");
  }

  function textBox(element) {
    const range = document.createRange();
    const boxes = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim()).map((node) => {
      range.selectNodeContents(node);
      return range.getBoundingClientRect();
    });
    if (!boxes.length) return null;
    return {
      left: Math.min(...boxes.map((box) => box.left)), top: Math.min(...boxes.map((box) => box.top)),
      right: Math.max(...boxes.map((box) => box.right)), bottom: Math.max(...boxes.map((box) => box.bottom)),
    };
  }

  // All elements at a point, the uppermost first, those inside of components among them.
  function stack(x, y, root = document) {
    return root.elementsFromPoint(x, y).filter((element) => element.getRootNode() === root).flatMap((element) =>
      element.shadowRoot ? [...stack(x, y, element.shadowRoot), element] : [element]);
  }

  function opaque(element) {
    const style = getComputedStyle(element);
    const alpha = style.backgroundColor.match(/^rgba\(.*, ([\d.]+)\)$/);
    return /^(IMG|CANVAS|VIDEO)$/.test(element.tagName) || (style.backgroundColor !== "transparent" && (!alpha || Number(alpha[1]) > 0.99) && Number(style.opacity) > 0.99);
  }

  // Whether the lower one is hidden at this point by something opaque above it.
  function hidden(one, other, x, y) {
    const stacked = stack(x, y);
    const places = [one, other].map((thing) => stacked.indexOf(thing.element));
    if (places.includes(-1)) return true; // nothing of it is at this point
    const [lower, around] = [Math.max(...places), new Set(ancestors(stacked[Math.max(...places)]))];
    return stacked.slice(0, lower).some((upper) => !around.has(upper) && opaque(upper));
  }

  const unit = (element) => element.closest("div.photo, .root:has(> .clear)") ?? element.closest("button, label, a, [role=slider], [data-testid=stSlider], [data-testid=heat], [data-testid=stDataFrame], [data-baseweb], summary") ?? element;

  return () => {
    const elements = all(document.body).filter(drawn);
    const things = [];
    for (const element of elements) {
      const rect = element.matches(CONTROLS) ? element.getBoundingClientRect() : textBox(element);
      const box = rect && seen(element, rect);
      if (box) things.push({ element, box, name: `${element.tagName.toLowerCase()} "${(element.getAttribute("aria-label") ?? element.textContent).trim().slice(0, 30)}"` });
    }
    const overlaps = [];
    things.forEach((one, at) => {
      for (const other of things.slice(at + 1)) {
        const left = Math.max(one.box.left, other.box.left), right = Math.min(one.box.right, other.box.right);
        const top = Math.max(one.box.top, other.box.top), bottom = Math.min(one.box.bottom, other.box.bottom);
        if (right - left < 3 || bottom - top < 3) continue;
        if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
        if (ancestors(other.element).includes(one.element) || ancestors(one.element).includes(other.element)) continue;
        if (unit(one.element) === unit(other.element)) continue;
        if (!hidden(one, other, (left + right) / 2, (top + bottom) / 2)) overlaps.push(`${one.name} and ${other.name}`);
      }
    });
    const sideways = (element) => ancestors(element).some((one) => /auto|scroll|hidden/.test(getComputedStyle(one).overflowX) && one.scrollWidth > one.clientWidth + 1);
    const cut = elements.filter((one) => one.matches("button, input, select")).filter((one) => {
      const rect = one.getBoundingClientRect();
      return rect.width > 2 && (rect.left < -1 || rect.right > innerWidth + 1) && rect.bottom > 0 && rect.top < innerHeight && !sideways(one);
    }).map((one) => one.getAttribute("aria-label") ?? one.textContent.trim());
    const unreachable = elements.filter((one) =>
      one.matches("button, input, select, textarea, a[href], [role=button], [role=slider], [role=tab], [role=combobox]") &&
      one.tabIndex < 0 && !one.disabled && !one.closest("[role=radiogroup], [role=tablist], [role=listbox], [data-testid=stSelectbox], [data-testid=stMultiSelect]") &&
      one.getBoundingClientRect().width > 2 && one.type !== "file").map((one) => one.getAttribute("aria-label") ?? one.textContent.trim());
    const boxes = {}, count = {};
    for (const element of elements.filter((one) => one.matches(LANDMARKS))) {
      const rect = element.getBoundingClientRect();
      const name = element.dataset.testid ?? (element.matches(".root") ? element.getAttribute("aria-label") ?? "root" : element.tagName.toLowerCase());
      const number = (count[name] = (count[name] ?? 0) + 1);
      if (rect.width && rect.bottom > 0 && rect.top < innerHeight) {
        boxes[`${name} ${number}`] = [rect.left, rect.top, rect.width, rect.height].map(Math.round);
      }
    }
    return { wide: document.documentElement.scrollWidth - innerWidth, boxes, overlaps: [...new Set(overlaps)], cut, unreachable };
  };
})()
