// The event browser of the page: decodes planes, draws what is visible, follows the cursor.
"use strict";
const protodune = (() => {
  const RASTER_ROWS = 260, RASTER_COLUMNS = 420; // as layout.py makes them
  const POOL_ROWS = 2, POOL_TICKS = 8, POOL_SHIFT = 3;
  const content = JSON.parse(document.getElementById("planes").textContent);
  const decoded = new Map(); // promises of the planes of what is shown, and no others
  let doc, model, shown = null, frame = 0, cursor = { row: 0, tick: 0 };

  const named = (name) => doc.get_model_by_name(name);

  function decode(key, unit) {
    if (!key) return null;
    if (!decoded.has(key)) decoded.set(key, unpack(key, unit));
    return decoded.get(key);
  }

  async function unpack(key, unit) {
    const text = document.getElementById(key).textContent; // each picture its own element: nothing else is parsed
    const blob = await (await fetch("data:image/png;base64," + text)).blob();
    const bitmap = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
    const rows = bitmap.height / 2, ticks = bitmap.width, half = rows * ticks;
    const counts = new Int16Array(half);
    for (let i = 0; i < half; i++) counts[i] = (pixels[i] & 255) + ((pixels[i + half] & 255) << 8) - content.offset;
    return withOverview({ rows, ticks, counts, unit });
  }

  // The value of largest size of every block: thin tracks stay visible when the whole plane is.
  function withOverview(plane) {
    const rows = Math.ceil(plane.rows / POOL_ROWS), ticks = Math.ceil(plane.ticks / POOL_TICKS);
    const pooled = new Int16Array(rows * ticks);
    for (let r = 0; r < plane.rows; r++) {
      const target = Math.floor(r / POOL_ROWS) * ticks, source = r * plane.ticks;
      for (let t = 0; t < plane.ticks; t++) {
        const value = plane.counts[source + t], place = target + (t >> POOL_SHIFT), best = pooled[place];
        if ((value < 0 ? -value : value) > (best < 0 ? -best : best)) pooled[place] = value;
      }
    }
    plane.overview = { rows, ticks, counts: pooled, unit: plane.unit };
    return plane;
  }

  function difference(a, b, unit) {
    const counts = new Int16Array(a.counts.length), ratioA = a.unit / unit, ratioB = b.unit / unit;
    for (let i = 0; i < counts.length; i++) counts[i] = a.counts[i] * ratioA - b.counts[i] * ratioB;
    return withOverview({ rows: a.rows, ticks: a.ticks, counts, unit });
  }

  // Fill a raster with the visible part of a plane, in each cell the value of largest size.
  function fill(raster, plane, range) {
    raster.fill(0);
    if (!plane) return;
    const coarse = (range.t1 - range.t0) / RASTER_COLUMNS > 2 * POOL_TICKS || (range.r1 - range.r0) / RASTER_ROWS > 2 * POOL_ROWS;
    const level = coarse ? plane.overview : plane;
    const scaleR = coarse ? POOL_ROWS : 1, scaleT = coarse ? POOL_TICKS : 1;
    const stepR = (range.r1 - range.r0) / RASTER_ROWS / scaleR, stepT = (range.t1 - range.t0) / RASTER_COLUMNS / scaleT;
    for (let i = 0; i < RASTER_ROWS; i++) {
      const first = Math.floor(range.r0 / scaleR + i * stepR), last = Math.max(first + 1, Math.floor(range.r0 / scaleR + (i + 1) * stepR));
      for (let j = 0; j < RASTER_COLUMNS; j++) {
        const begin = Math.floor(range.t0 / scaleT + j * stepT), end = Math.max(begin + 1, Math.floor(range.t0 / scaleT + (j + 1) * stepT));
        let best = 0;
        for (let r = Math.max(first, 0); r < Math.min(last, level.rows); r++) {
          for (let t = Math.max(begin, 0); t < Math.min(end, level.ticks); t++) {
            const value = level.counts[r * level.ticks + t];
            if (Math.abs(value) > Math.abs(best)) best = value;
          }
        }
        raster[i * RASTER_COLUMNS + j] = best * level.unit;
      }
    }
  }

  function visible() {
    const x = named("raw_figure").x_range, y = named("raw_figure").y_range;
    return { t0: x.start, t1: x.end, r0: y.start - shown.first, r1: y.end - shown.first };
  }

  function draw() {
    frame = 0;
    if (!shown) return;
    const started = performance.now(), range = visible();
    for (const name of ["raw", "denoised", "truth", "residual"]) {
      const source = named(name + "_source"), data = source.data;
      fill(data.image[0], shown.planes[name], range);
      data.x[0] = range.t0; data.dw[0] = range.t1 - range.t0;
      data.y[0] = range.r0 + shown.first; data.dh[0] = range.r1 - range.r0;
      source.change.emit();
    }
    waveforms();
    document.body.dataset.drawn = String(Number(document.body.dataset.drawn || 0) + 1);
    document.body.dataset.drawMs = (performance.now() - started).toFixed(0);
  }

  function redraw() { if (!frame) frame = requestAnimationFrame(draw); }

  function waveforms() {
    const range = visible(), row = cursor.row;
    const first = Math.max(0, Math.floor(range.t0)), last = Math.min(shown.planes.raw.ticks, Math.ceil(range.t1));
    // At most 3000 ticks around the cursor: more is no line but a band.
    const begin = Math.max(first, Math.min(cursor.tick - 1500, last - 3000)), end = Math.min(last, begin + 3000);
    const ticks = Float64Array.from({ length: Math.max(end - begin, 0) }, (_, i) => begin + i);
    for (const name of ["raw", "denoised", "truth"]) {
      const plane = name === "raw" && shown.quantity.unit !== "ADC" ? null : shown.planes[name];
      const values = Float64Array.from(ticks, (t) => (plane ? plane.counts[row * plane.ticks + t] * plane.unit : NaN));
      named(name + "_wave").data = { x: ticks, y: values };
    }
    named("wave_figure").title.text = (shown.quantity.unit === "ADC" ? "waveform of " : "charge of ") + place(row, cursor.tick);
  }

  function place(row, tick) {
    const wiring = content.wirings[shown.image.wiring];
    return `${shown.image.unit}, channel ${shown.first + row}, ${wiring.wires[row]}, board ${wiring.boards[row]}, tick ${tick}`;
  }

  function hover(x, y) {
    if (!shown || x === null || !isFinite(x)) return;
    const plane = shown.planes.raw, row = Math.floor(y - shown.first), tick = Math.floor(x);
    if (row < 0 || tick < 0 || row >= plane.rows || tick >= plane.ticks) return;
    const moved = row !== cursor.row;
    cursor = { row, tick };
    const values = ["raw", "denoised", "truth", "residual"].filter((n) => shown.planes[n]).map((n) => {
      const p = shown.planes[n], label = { residual: shown.residual, denoised: shown.quantity.label }[n] || n;
      const unit = n === "raw" ? "ADC" : shown.quantity.unit;
      return `${label} ${(p.counts[row * p.ticks + tick] * p.unit).toFixed(n === "raw" ? 0 : 2)} ${unit}`;
    });
    const bad = shown.image.bad.includes(row) ? " · bad channel" : "";
    named("readout").text = `<b>${place(row, tick)}</b>${bad}<br>${values.join(" · ")}`;
    if (moved) waveforms();
  }

  async function show(resetView) {
    const image = content.images[Number(named("image_select").value)];
    const quantity = image.quantities[named("quantity_select").value], unit = quantity.per_count;
    const chosen = named("method_select").value;
    const method = quantity.made[chosen] ? chosen : Object.keys(quantity.made)[0];
    const wanted = [image.raw, quantity.made[method], quantity.truth].filter(Boolean);
    for (const key of decoded.keys()) if (!wanted.includes(key)) decoded.delete(key);
    const [raw, denoised, truth] = await Promise.all([decode(image.raw, 1), decode(quantity.made[method], unit), decode(quantity.truth, unit)]);
    // Raw values are ADC: they have no difference from charge.
    const against = truth || (quantity.unit === "ADC" ? raw : null);
    const residual = !denoised || !against ? null : truth ? difference(denoised, truth, unit) : difference(raw, denoised, unit);
    const words = truth ? `${quantity.label} − truth` : against ? `raw − ${quantity.label}` : "difference: none without truth";
    shown = { image, quantity, first: image.first_channel, planes: { raw, denoised, truth, residual }, residual: words };
    cursor = { row: image.busiest[0], tick: image.busiest[1] };
    named("denoised_figure").title.text = method ? `${quantity.label}: ${method}` : `${quantity.label}: no product`;
    named("truth_figure").title.text = truth ? "truth" : "truth: none, recorded data";
    named("residual_figure").title.text = words;
    const own = image.quantities.waveform;
    for (const [name, of, range] of [["raw", own, own.range], ["denoised", quantity, quantity.range], ["truth", quantity, quantity.range], ["residual", null, quantity.residual_range]]) {
      const mapper = named(name + "_mapper");
      if (of) mapper.palette = content.palettes[of.palette];
      [mapper.low, mapper.high] = range;
      named(name + "_bar").title = name === "raw" ? own.unit : quantity.unit;
    }
    named("wave_values").axis_label = quantity.unit;
    named("denoised_item").label = { value: quantity.label };
    for (const name of ["raw", "denoised", "truth", "residual", "wave"]) named(name + "_ticks").axis_label = `tick (${image.tick_us} µs)`;
    if (resetView) {
      const x = named("raw_figure").x_range, y = named("raw_figure").y_range;
      for (const [range, first, last] of [[x, 0, raw.ticks], [y, shown.first, shown.first + raw.rows]]) {
        range.bounds = null; // or the old ones would hold the new ends back
        range.setv({ start: first, end: last, reset_start: first, reset_end: last });
        range.bounds = [first, last];
      }
    }
    redraw();
  }

  function ready() {
    document.body.dataset.ready = "yes";
    requestAnimationFrame(() => setTimeout(() => {
      for (const table of document.querySelectorAll("script.table")) Bokeh.embed.embed_item(JSON.parse(table.textContent));
    }));
  }

  function start() {
    doc = Bokeh.documents[0];
    if (!content.images.length) { ready(); return; }
    const x = named("raw_figure").x_range, y = named("raw_figure").y_range;
    for (const range of [x, y]) for (const name of ["start", "end"]) range.properties[name].change.connect(redraw);
    show(true).then(ready);
  }

  function wait() {
    if (window.Bokeh && Bokeh.documents.length) start();
    else setTimeout(wait, 20);
  }
  if (content.images.length) { // while bokeh sets up the figures
    const first = content.images[0], own = first.quantities.waveform;
    decode(first.raw, 1);
    for (const key of [Object.values(own.made)[0], own.truth]) decode(key, own.per_count);
  }
  wait();
  return { show, hover };
})();
