/**
 * A client of `emolens serve` for browsers and Node 20 or newer. No dependencies, no build step.
 *
 *     import { EmolensClient } from "/static/emolens.js";
 *
 *     const client = new EmolensClient(location.origin, { key });
 *     const record = await client.analyze(file);
 *     const stream = client.openStream({ onResult: ({ result }) => draw(result.faces) });
 *     if (stream.isReady) stream.send(jpeg, performance.now() / 1000);
 *
 * Answers are the records of the server's description, `/openapi.json`.
 */

/** @typedef {Record<string, any>} Answer A record of the server. */
/** @typedef {{name?: string, minConfidence?: number, faceCrops?: boolean, sideways?: boolean, signal?: AbortSignal}} AnalyzeOptions */
/** @typedef {{name?: string, emotion?: string, kind?: "occlusion" | "activation", faceCrops?: boolean, sideways?: boolean, signal?: AbortSignal}} ExplainOptions */
/** @typedef {{name?: string, table?: "csv" | "parquet" | "jsonl", report?: boolean, minConfidence?: number, detectHz?: number, cuts?: boolean, signal?: AbortSignal}} JobOptions */
/** @typedef {"connecting" | "ready" | "waiting" | "closed"} StreamState */
/** @typedef {{minConfidence?: number, onResult?: (result: Answer) => void, onError?: (error: EmolensError) => void, onState?: (state: StreamState) => void}} StreamOptions */
/** @typedef {{ticket: () => Promise<string | null>, WebSocket: typeof WebSocket, address: string}} StreamServer */

const BINARY = "application/octet-stream";
const CAPTURED_BYTES = 8;
const [OPEN_MS, RESULT_MS] = [10_000, 10_000];
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [500, 15_000];
const FINAL_CODES = new Set(["access", "origin", "bad_input"]); // the next connection would fail too

/** An error of the server or of the connection to it. */
export class EmolensError extends Error {
  /**
   * @param {string} code Stable identifier, such as `damaged_image`; `server` if there is no answer.
   * @param {string} message The message for users.
   * @param {{status?: number, requestId?: string, retryAfterS?: number | null}} [details]
   */
  constructor(code, message, { status = 0, requestId = "", retryAfterS = null } = {}) {
    super(message);
    this.name = "EmolensError";
    this.code = code;
    this.status = status; // 0 without an answer
    this.requestId = requestId; // in the log of the server
    this.retryAfterS = retryAfterS; // null unless the server says when
  }
}

/** A client of one server. The key is sent in headers only. */
export class EmolensClient {
  #address; #key; #fetch; #WebSocket;

  /**
   * @param {string} [address] Address of the server; by default that of the page.
   * @param {{key?: string | null, fetch?: typeof fetch, WebSocket?: any}} [options]
   *     `WebSocket` is needed where it is not global, as in Node 20.
   */
  constructor(address = globalThis.location?.origin, options = {}) {
    const url = new URL(address);
    if (!/^https?:$/.test(url.protocol) || url.username || url.password) {
      throw new TypeError("address must be http:// or https://, a host, and no user name");
    }
    this.#address = `${url.origin}${url.pathname}`.replace(/\/+$/, "");
    this.#key = options.key || null;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket;
  }

  /** Get an `ImageRecord`. @param {Blob} image @param {AnalyzeOptions} [options] @returns {Promise<Answer>} */
  analyze(image, options = {}) {
    return this.#json("POST", "/v1/analyze", { body: image, ...asked(options, nameOf(image)) });
  }

  /**
   * Get an `ImageRecord` for each of several images; those that cannot be read have an `error`.
   * @param {Iterable<Blob>} images @param {AnalyzeOptions} [options] @returns {Promise<Answer[]>}
   */
  async analyzeMany(images, options = {}) {
    const form = new FormData();
    for (const image of images) {
      const name = nameOf(image) ?? `image-${[...form.keys()].length + 1}`;
      form.append("images", new Blob([image], { type: BINARY }), name);
    }
    return (await this.#json("POST", "/v1/analyze", { body: form, ...asked(options) })).images;
  }

  /** Get an `ExplanationRecord`. @param {Blob} image @param {ExplainOptions} [options] @returns {Promise<Answer>} */
  explain(image, options = {}) {
    return this.#json("POST", "/v1/explain", { body: image, ...asked(options, nameOf(image)) });
  }

  /** Get a PNG file, or null without a face. @param {Blob} image @param {ExplainOptions} [options] */
  async explainImage(image, options = {}) {
    const answer = await this.#send("POST", "/v1/explain", { body: image, accept: "image/png", ...asked(options) });
    return answer.status === 204 ? null : answer.blob();
  }

  /** Get the models and limits of the server. @returns {Promise<Answer>} */
  models() {
    return this.#json("GET", "/v1/models");
  }

  /** Upload a video; get a `JobRecord`. @param {Blob} video @param {JobOptions} [options] @returns {Promise<Answer>} */
  createJob(video, options = {}) {
    return this.#json("POST", "/v1/jobs", { body: video, ...asked(options, nameOf(video)) });
  }

  /** Get the `JobRecord` of a job. @param {string} id @returns {Promise<Answer>} */
  job(id) {
    return this.#json("GET", jobPath(id));
  }

  /** Get an output of a finished job. @param {string} id @param {"table" | "summary" | "report"} output */
  async jobOutput(id, output) {
    return (await this.#send("GET", `${jobPath(id)}/${output}`, { accept: "*/*" })).blob();
  }

  /** Delete a job; a running one is stopped. @param {string} id @returns {Promise<void>} */
  async deleteJob(id) {
    await this.#send("DELETE", jobPath(id));
  }

  /** Get a ticket, which opens one stream within 30 s. @returns {Promise<string>} */
  async ticket() {
    return (await this.#json("POST", "/v1/tickets")).ticket;
  }

  /** Open a stream, and open it again whenever its connection is lost. @param {StreamOptions} [options] */
  openStream(options = {}) {
    if (!this.#WebSocket) throw new TypeError("there is no WebSocket; give one with the options");
    // Web pages cannot set the headers of a WebSocket.
    const ticket = async () => (this.#key ? this.ticket() : null);
    return new EmolensStream({ ticket, WebSocket: this.#WebSocket, address: this.#address }, options);
  }

  /** @param {string} method @param {string} path @param {object} [request] @returns {Promise<any>} */
  async #json(method, path, request = {}) {
    const failure = new EmolensError("server", `the answer of ${this.#address} is not JSON. Check the address.`);
    return (await this.#send(method, path, request)).json().catch(() => Promise.reject(failure));
  }

  /**
   * @param {string} method @param {string} path
   * @param {{query?: Record<string, any>, body?: Blob | FormData, accept?: string, signal?: AbortSignal}} [request]
   */
  async #send(method, path, { query = {}, body, accept = "application/json", signal } = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const parameters = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    /** @type {Record<string, string>} */
    const headers = { Accept: accept };
    if (this.#key) headers.Authorization = `Bearer ${this.#key}`;
    // The server recognises formats by their content.
    if (body && !(body instanceof FormData)) headers["Content-Type"] = BINARY;
    let answer;
    try {
      // A redirect would take the key along.
      const policy = /** @type {const} */ ({ redirect: "error", credentials: "omit", cache: "no-store" });
      const url = `${this.#address}${path}${given.length ? "?" : ""}${parameters}`;
      answer = await this.#fetch(url, { method, headers, body, signal, ...policy });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new EmolensError("server", `cannot reach ${this.#address}. Check that the server runs.`);
    }
    if (!answer.ok) throw await errorOf(answer);
    return answer;
  }
}

/** A stream of frames. One frame is in flight; results that are older than the last one are ignored. */
export class EmolensStream {
  #server; #options;
  /** @type {WebSocket | null} */ #socket = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {StreamState} */ #state = "connecting";
  /** @type {Answer | null} */ #limits = null;
  #isInFlight = false;
  #lastS = -Infinity;
  #nFailed = 0;

  /** @param {StreamServer} server @param {StreamOptions} options */
  constructor(server, options) {
    this.#server = server;
    this.#options = options;
    // After the caller has the stream.
    queueMicrotask(() => this.#connect());
  }

  /** `connecting`, `ready` for frames, `waiting` for the next attempt, or `closed` for good. */
  get state() {
    return this.#state;
  }

  /** Whether a frame may be sent now. */
  get isReady() {
    return this.#state === "ready" && !this.#isInFlight;
  }

  /**
   * Send a frame unless one is in flight. Send the newest frame when `onResult` is called.
   * @param {Blob | ArrayBuffer | Uint8Array<ArrayBuffer>} image A JPEG, PNG or WebP file.
   * @param {number} capturedS Capture time in seconds, of any clock; it increases.
   * @returns {boolean} Whether it was sent.
   */
  send(image, capturedS) {
    if (!Number.isFinite(capturedS)) throw new TypeError(`capturedS is ${capturedS}; allowed: a finite number`);
    if (!this.isReady || !this.#socket) return false;
    const nBytes = (image instanceof Blob ? image.size : image.byteLength) + CAPTURED_BYTES;
    const allowed = this.#limits?.frame_bytes ?? Infinity;
    if (nBytes > allowed) {
      const found = `the frame has ${nBytes} bytes; allowed: ${allowed}. Send a smaller image.`;
      this.#options.onError?.(new EmolensError("request_too_large", found));
      return false;
    }
    const head = new DataView(new ArrayBuffer(CAPTURED_BYTES));
    head.setFloat64(0, capturedS);
    this.#isInFlight = true;
    this.#watch(RESULT_MS);
    this.#socket.send(new Blob([head, image]));
    return true;
  }

  /** Close the stream for good. */
  close() {
    this.#drop();
    this.#enter("closed");
  }

  async #connect() {
    if (this.#state === "closed") return;
    this.#enter("connecting");
    this.#watch(OPEN_MS);
    const attempt = this.#timer;
    try {
      const ticket = await this.#server.ticket();
      // Unless the stream was closed, or this attempt took too long.
      if (attempt === this.#timer) this.#open(ticket);
    } catch (error) {
      if (attempt === this.#timer) this.#fail(error instanceof EmolensError ? error : lost(String(error)));
    }
  }

  /** @param {string | null} ticket */
  #open(ticket) {
    const socket = new this.#server.WebSocket(`${this.#server.address.replace(/^http/, "ws")}/v1/stream`);
    /** @type {EmolensError | undefined} */
    let cause;
    this.#socket = socket;
    const start = { type: "start", min_confidence: this.#options.minConfidence ?? 0, ...(ticket && { ticket }) };
    socket.onopen = () => socket.send(JSON.stringify(start));
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket) cause = this.#receive(messageOf(data)) ?? cause;
    };
    socket.onerror = () => {}; // `close` follows
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#fail(cause ?? lost(`code ${code}`));
    };
  }

  /**
   * Take a message of the server.
   * @param {Answer} message @returns {EmolensError | undefined} The cause of the close that follows.
   */
  #receive(message) {
    if (message.type === "error" && typeof message.captured_s !== "number") return recorded(message.error);
    if (message.captured_s < this.#lastS) return undefined;
    clearTimeout(this.#timer);
    this.#isInFlight = false;
    if (message.type === "ready") {
      this.#limits = message.limits;
      this.#enter("ready");
      return undefined;
    }
    this.#nFailed = 0;
    this.#lastS = message.captured_s;
    if (message.type === "result") this.#options.onResult?.(message);
    else this.#options.onError?.(recorded(message.error));
    return undefined;
  }

  /** Lose the connection, and connect again later unless that is useless. @param {EmolensError} error */
  #fail(error) {
    this.#drop();
    const isFinal = FINAL_CODES.has(error.code);
    if (!isFinal) {
      // Full jitter, so that the pages of a server that restarts do not all come back at once.
      const longestMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#nFailed, 16));
      this.#nFailed += 1;
      const leastMs = (error.retryAfterS ?? 0) * 1000;
      this.#timer = setTimeout(() => this.#connect(), leastMs + Math.random() * longestMs);
    }
    this.#enter(isFinal ? "closed" : "waiting");
    this.#options.onError?.(error);
  }

  /** Expect a message within some time. @param {number} ms */
  #watch(ms) {
    clearTimeout(this.#timer);
    const error = new EmolensError("timeout", `${this.#server.address} does not answer.`);
    this.#timer = setTimeout(() => this.#fail(error), ms);
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = this.#socket;
    this.#socket = null;
    this.#isInFlight = false;
    this.#lastS = -Infinity;
    socket?.close();
  }

  /** @param {StreamState} state */
  #enter(state) {
    if (state === this.#state && state !== "connecting") return;
    this.#state = state;
    this.#options.onState?.(state);
  }
}

/** Options as query parameters, and the signal. @param {Record<string, any>} options @param {string} [name] */
function asked({ signal, ...options }, name) {
  const snake = (/** @type {string} */ key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const given = Object.entries({ name, ...options }).map(([key, value]) => [snake(key), value]);
  return { query: Object.fromEntries(given), signal };
}

/** @param {Blob} blob @returns {string | undefined} */
function nameOf(blob) {
  return "name" in blob && typeof blob.name === "string" ? blob.name : undefined;
}

/** @param {string} id */
function jobPath(id) {
  return `/v1/jobs/${encodeURIComponent(id)}`;
}

/** The message of a text; an error if another program than emolens sent it. @param {string} text @returns {Answer} */
function messageOf(text) {
  const wrong = { type: "error", error: { code: "server", message: "the server is not one of emolens." } };
  try {
    const message = JSON.parse(text);
    return ["ready", "result", "error"].includes(message?.type) ? message : wrong;
  } catch {
    return wrong;
  }
}

/** @param {{code: string, message: string}} error */
function recorded(error) {
  return new EmolensError(error.code, error.message);
}

/** @param {string} reason */
function lost(reason) {
  return new EmolensError("server", `the connection is lost: ${reason}.`);
}

/** The error of an answer. @param {Response} answer */
async function errorOf(answer) {
  const { error, request_id: requestId } = await answer.json().catch(() => ({}));
  const retryAfterS = Number.parseInt(answer.headers.get("Retry-After") ?? "", 10);
  const details = { status: answer.status, requestId, retryAfterS: Number.isNaN(retryAfterS) ? null : retryAfterS };
  const code = error?.code ?? (answer.status === 503 ? "busy" : "server");
  return new EmolensError(code, error?.message ?? `the server answered with status ${answer.status}.`, details);
}
