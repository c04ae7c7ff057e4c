// Tags of photos in a browser, from a file of `vectortag export`. Nothing leaves the machine.

import * as ort from "onnxruntime-web";

ort.env.wasm.numThreads = 1; // more need a server that isolates the page from other origins

export class ExportedModel {
  /** @param {string} url of the ONNX file
   *  @param {"precise" | "balanced" | "thorough"} profile which thresholds */
  static async load(url, profile = "balanced") {
    const file = new Uint8Array(await (await fetch(url)).arrayBuffer());
    return new ExportedModel(await ort.InferenceSession.create(file), metadataOf(file), profile);
  }

  constructor(session, said, profile) {
    this.session = session;
    this.id = said.model;
    this.tags = JSON.parse(said.tags);
    this.thresholds = JSON.parse(said.thresholds)[profile];
    this.implies = JSON.parse(said.implies);
    this.withMaps = JSON.parse(said.maps);
    this.pixels = JSON.parse(said.pixels);
  }

  /** @param {Uint8Array} pixels (size, size, 3), RGB
   *  @returns {Promise<{scores: Float32Array, maps?: Float32Array, cells?: number[]}>} the scores of all tags, and the
   *    heat maps of `withMaps`, one after the other, each of cells[0] rows and cells[1] columns */
  async run(pixels) {
    const size = this.pixels.size;
    const { scores, maps } = await this.session.run({ images: new ort.Tensor("uint8", pixels, [1, size, size, 3]) });
    return { scores: scores.data, maps: maps?.data, cells: maps?.dims.slice(2) };
  }

  /** The tags whose score reaches their threshold, and the tags that these imply; the highest score first. */
  shown(scores) {
    const names = new Set();
    this.tags.forEach((tag, i) => {
      if (this.thresholds[i] === null || scores[i] < Math.fround(this.thresholds[i])) return;
      for (const one of [tag, ...(this.implies[tag] ?? [])]) names.add(one);
    });
    const rows = this.tags.map((tag, i) => ({ tag, score: scores[i], threshold: this.thresholds[i] }));
    return rows.filter((row) => names.has(row.tag)).sort((a, b) => b.score - a.score);
  }

  /** @param {Blob} photo @returns the shown tags, and what `run` gives */
  async tag(photo) {
    const found = await this.run(await this.load(photo));
    return { tags: this.shown(found.scores), ...found };
  }

  /** (size, size, 3) of a photo, as the metadata describes it; a JPEG is decoded at its full size. */
  async load(photo) {
    const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
    const image = await createImageBitmap(photo, options);
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d", { willReadFrequently: true });
    context.fillStyle = "white";
    context.fillRect(0, 0, image.width, image.height);
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    return resize(data, image.width, image.height, this.pixels.size, this.pixels.filter);
  }
}

const FILTERS = {
  bilinear: { reach: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    reach: 2,
    at: (x) => {
      const a = Math.abs(x);
      if (a < 1) return (1.5 * a - 2.5) * a * a + 1;
      return a < 2 ? ((-0.5 * a + 2.5) * a - 4) * a + 2 : 0;
    },
  },
};

/** Stretches RGBA pixels to (size, size, 3), antialiased, to the same numbers as Pillow 13: in one direction after the
 *  other, rounded after each, and down the columns first where that is much shorter. */
export function resize(rgba, width, height, size, filter) {
  const across = weightsOf(width, size, filter), down = weightsOf(height, size, filter);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < 3; c++) rgb[3 * i + c] = rgba[4 * i + c];
  if (height > size && height - size > 2 * (width - size)) {
    return stretch(stretch(rgb, 1, height, width * 3, down), size, width, 3, across);
  }
  return stretch(stretch(rgb, height, width, 3, across), 1, height, size * 3, down);
}

/** Stretches the middle dimension of (outer, length, inner). */
function stretch(values, outer, length, inner, places) {
  const stretched = new Uint8ClampedArray(outer * places.length * inner);
  for (let row = 0; row < outer; row++) {
    places.forEach(({ first, weights }, place) => {
      for (let i = 0; i < inner; i++) {
        let sum = ONE / 2;
        for (let k = 0; k < weights.length; k++) sum += weights[k] * values[(row * length + first + k) * inner + i];
        stretched[(row * places.length + place) * inner + i] = Math.floor(sum / ONE);
      }
    });
  }
  return new Uint8Array(stretched.buffer);
}

const ONE = 2 ** 22; // Pillow's weights are whole numbers, of which so many are one

/** For each of `size` new pixels the first of the `length` old ones that it is made of, and how much each counts. */
function weightsOf(length, size, filter) {
  const { reach, at } = FILTERS[filter], scale = length / size, wide = Math.max(scale, 1);
  return Array.from({ length: size }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - reach * wide + 0.5));
    const end = Math.min(length, Math.floor(centre + reach * wide + 0.5));
    const weights = Array.from({ length: end - first }, (_, i) => at((first + i - centre + 0.5) / wide));
    const whole = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => Math.sign(weight) * Math.round((Math.abs(weight) / whole) * ONE)) };
  });
}

/** The metadata of an ONNX file, as texts by their keys. ONNX Runtime does not show it in a browser.
 *  Field 14 of the file (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) is a pair of two texts. */
export function metadataOf(bytes) {
  const found = {}, decode = (part) => new TextDecoder().decode(part);
  for (const [field, part] of fieldsOf(bytes)) {
    if (field !== 14) continue;
    const pair = Object.fromEntries(fieldsOf(part));
    found[decode(pair[1])] = decode(pair[2]);
  }
  return found;
}

/** The fields of a protobuf message: numbers, and parts of `bytes`. */
function* fieldsOf(bytes) {
  let place = 0;
  const number = () => {
    let value = 0, factor = 1;
    for (;;) {
      const byte = bytes[place++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  while (place < bytes.length) {
    const key = number(), kind = key & 7;
    if (kind === 0) yield [key >> 3, number()];
    else if (kind === 2) {
      const length = number();
      yield [key >> 3, bytes.subarray(place, (place += length))];
    } else throw new Error("not an ONNX file");
  }
}
