// Connections of emolens.js, with a WebSocket and a clock that tests control.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { EmolensClient } from "../../src/emolens/server/static/emolens.js";

const KEY = "geheim-7f3a-not-shown-anywhere";
const LIMITS = { frame_bytes: 100 };

/** A WebSocket whose server is the test. */
class FakeSocket {
  static all = [];
  sent = [];
  isClosed = false;

  constructor(url) {
    this.url = url;
    FakeSocket.all.push(this);
  }
  send(message) {
    this.sent.push(message);
  }
  close() {
    this.isClosed = true;
  }
  say(message) {
    this.onmessage({ data: JSON.stringify(message) });
  }
  beReady() {
    this.onopen();
    this.say({ type: "ready", limits: LIMITS });
  }
  answer(capturedS) {
    this.say({ type: "result", captured_s: capturedS, result: { faces: [] } });
  }
  fail(capturedS, code = "damaged_image") {
    this.say({ type: "error", captured_s: capturedS, error: { code, message: "no." } });
  }
}

/** Let pending promises run. */
async function settle() {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

/** Open a stream; what it reports is in `seen`. */
async function open({ key, tickets = ["t-1", "t-2", "t-3"], fetch } = {}) {
  const seen = { results: [], errors: [], states: [] };
  const answer = async () => new Response(JSON.stringify({ ticket: tickets.shift(), expires_s: 30 }));
  const client = new EmolensClient("https://faces.example/x/", { key, fetch: fetch ?? answer, WebSocket: FakeSocket });
  const stream = client.openStream({
    minConfidence: 0.25,
    onResult: (result) => seen.results.push(result.captured_s),
    onError: (error) => seen.errors.push(error.code),
    onState: (state) => seen.states.push(state),
  });
  await settle();
  if (key) await new Promise(setImmediate); // the body of a response takes real time
  return { stream, seen };
}

const last = () => FakeSocket.all.at(-1);
/** Let a wait end. */
async function after(ms) {
  mock.timers.tick(ms);
  await settle();
}

beforeEach(() => {
  FakeSocket.all = [];
  mock.restoreAll();
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 1);
});

test("without a key, a stream starts without a ticket", async () => {
  const { stream, seen } = await open();
  assert.equal(last().url, "wss://faces.example/x/v1/stream");
  assert.equal(stream.isReady, false);
  last().beReady();
  assert.deepEqual(last().sent.map(JSON.parse), [{ type: "start", min_confidence: 0.25 }]);
  assert.deepEqual(seen.states, ["connecting", "ready"]);
  assert.equal(stream.isReady, true);
});

test("with a key, each connection has a ticket of its own and never the key", async () => {
  await open({ key: KEY });
  last().beReady();
  last().onclose({ code: 1012 });
  mock.timers.tick(500);
  await settle();
  await new Promise(setImmediate);
  last().beReady();
  assert.equal(FakeSocket.all.length, 2);
  assert.deepEqual(FakeSocket.all.map((socket) => JSON.parse(socket.sent[0]).ticket), ["t-1", "t-2"]);
  for (const socket of FakeSocket.all) assert.ok(!(socket.url + socket.sent[0]).includes(KEY));
});

test("one frame is in flight, and its message begins with the capture time", async () => {
  const { stream, seen } = await open();
  assert.equal(stream.send(new Uint8Array([7]), 1.5), false, "it is not open yet");
  last().beReady();
  assert.equal(stream.send(new Uint8Array([7, 8]), 1.5), true);
  assert.equal(stream.send(new Uint8Array([9]), 1.6), false);
  assert.equal(stream.isReady, false);
  const message = new DataView(await last().sent[1].arrayBuffer());
  assert.equal(message.getFloat64(0), 1.5);
  assert.deepEqual([message.byteLength, message.getUint8(8), message.getUint8(9)], [10, 7, 8]);
  last().answer(1.5);
  assert.deepEqual(seen.results, [1.5]);
  assert.equal(stream.send(new Blob(["jpeg"]), 1.7), true);
});

test("results that are older than the last one are ignored", async () => {
  const { stream, seen } = await open();
  last().beReady();
  for (const capturedS of [2, 1, 3]) last().answer(capturedS);
  assert.deepEqual(seen.results, [2, 3]);
  stream.send(new Uint8Array([7]), 4);
  last().answer(1);
  assert.equal(stream.isReady, false, "the frame is still in flight");
});

test("a frame that cannot be read leaves the stream open", async () => {
  const { stream, seen } = await open();
  last().beReady();
  stream.send(new Uint8Array([7]), 1);
  last().fail(1);
  assert.deepEqual(seen.errors, ["damaged_image"]);
  assert.equal(stream.isReady, true);
});

test("a message that is not JSON is the cause of the close that follows", async () => {
  const { seen } = await open();
  last().beReady();
  for (const data of ["<html>", "", "null", "7"]) last().onmessage({ data });
  assert.deepEqual(seen.errors, []);
  last().onmessage({ data: "<html>" });
  last().onclose({ code: 1006 });
  assert.deepEqual(seen.errors, ["server"]);
});

test("a frame that would end the stream is not sent", async () => {
  const { stream, seen } = await open();
  last().beReady();
  assert.equal(stream.send(new Uint8Array(93), 1), false);
  assert.deepEqual(seen.errors, ["request_too_large"]);
  assert.equal(stream.send(new Uint8Array(92), 1), true);
  assert.throws(() => stream.send(new Uint8Array(1), Number.NaN), TypeError);
});

test("a lost connection is opened again, later and later, until there is a result", async () => {
  const { stream, seen } = await open();
  for (const waitMs of [500, 1000, 2000, 4000, 8000, 15000, 15000]) {
    const n = FakeSocket.all.length;
    last().onclose({ code: 1006 });
    await after(waitMs - 1);
    assert.equal(FakeSocket.all.length, n, `before ${waitMs} ms`);
    await after(1);
    assert.equal(FakeSocket.all.length, n + 1, `after ${waitMs} ms`);
  }
  last().beReady();
  stream.send(new Uint8Array([7]), 1);
  last().answer(1);
  last().onclose({ code: 1006 });
  await after(500);
  assert.equal(FakeSocket.all.length, 9);
  assert.equal(new Set(seen.errors).size, 1);
});

test("the waits are random", async () => {
  await open();
  mock.method(Math, "random", () => 0.5);
  last().onclose({ code: 1006 });
  await after(250);
  assert.equal(FakeSocket.all.length, 2);
});

test("the tracks of a new connection start again, and so do capture times", async () => {
  const { seen } = await open();
  last().beReady();
  last().answer(100);
  last().onclose({ code: 1006 });
  await after(500);
  last().beReady();
  last().answer(1);
  assert.deepEqual(seen.results, [100, 1]);
});

test("a server that does not answer a frame is left", async () => {
  const { stream, seen } = await open();
  last().beReady();
  stream.send(new Uint8Array([7]), 1);
  const silent = last();
  await after(10_000);
  assert.ok(silent.isClosed);
  assert.deepEqual(seen.errors, ["timeout"]);
  silent.answer(1);
  silent.onclose({ code: 1006 });
  assert.deepEqual(seen.results, [], "what it says later does not count");
  await after(500);
  last().beReady();
  assert.equal(stream.isReady, true);
});

test("a connection that never becomes ready is left", async () => {
  const { seen } = await open();
  last().onopen();
  await after(10_000);
  assert.deepEqual(seen.errors, ["timeout"]);
  assert.deepEqual(seen.states, ["connecting", "waiting"]);
});

test("without access there is no other attempt", async () => {
  const { seen } = await open();
  last().onopen();
  last().fail(undefined, "access");
  last().onclose({ code: 1008 });
  assert.deepEqual(seen.errors, ["access"]);
  assert.equal(seen.states.at(-1), "closed");
  await after(60_000);
  assert.equal(FakeSocket.all.length, 1);
});

test("a key that the server does not know is an error without a stream", async () => {
  const content = { error: { code: "access", message: "the key is not known." }, request_id: "r" };
  const { seen } = await open({ key: KEY, fetch: async () => new Response(JSON.stringify(content), { status: 401 }) });
  assert.deepEqual(seen.errors, ["access"]);
  assert.deepEqual(seen.states, ["connecting", "closed"]);
  assert.equal(FakeSocket.all.length, 0);
});

test("a closed stream stays closed", async () => {
  const { stream, seen } = await open();
  last().beReady();
  stream.close();
  assert.ok(last().isClosed);
  last().onclose({ code: 1000 });
  await after(60_000);
  assert.equal(FakeSocket.all.length, 1);
  assert.equal(stream.send(new Uint8Array([7]), 1), false);
  assert.deepEqual(seen.states, ["connecting", "ready", "closed"]);
  assert.deepEqual(seen.errors, []);
});

test("a stream that is closed before it is open opens nothing", async () => {
  const client = new EmolensClient("https://faces.example", { fetch, WebSocket: FakeSocket });
  client.openStream().close();
  await settle();
  assert.equal(FakeSocket.all.length, 0);
});
