/**
 * What a page holds. Most pages of a scenario are zeros, one repeated byte, or such a page with one byte changed: an
 * Int32 says that. Only a page that was written in more places carries its 4096 bytes.
 */

import type { Epoch } from '../state/cow.ts';
import type { Pfn } from './address.ts';
import { PAGE_SIZE } from './address.ts';
import { type Blob, CHUNK_MASK, type Frames } from './frames.ts';

/** Word of a page with bytes of its own. */
export const WORD_BLOB = -1;
const PATCHED = 1 << 28;

/** A page's content away from a frame: on disk, in a swap slot. Immutable. */
export interface PageContent {
  readonly word: number;
  readonly bytes: Uint8Array | undefined;
}

export const ZERO_CONTENT: PageContent = { word: 0, bytes: undefined };

/** A page full of one byte, 0 … 255. */
export function filledContent(byte: number): PageContent {
  return { word: byte & 255, bytes: undefined };
}

/** A page that starts with `bytes` (at most a page of them), zeros behind. */
export function bytesContent(bytes: Uint8Array): PageContent {
  const page = new Uint8Array(PAGE_SIZE);
  page.set(bytes.subarray(0, PAGE_SIZE));
  return { word: WORD_BLOB, bytes: page };
}

function wordByte(word: number, offset: number): number {
  if ((word & PATCHED) !== 0 && ((word >>> 8) & 4095) === offset) return (word >>> 20) & 255;
  return word & 255;
}

export function contentByte(content: PageContent, offset: number): number {
  return content.bytes === undefined ? wordByte(content.word, offset) : (content.bytes[offset] as number);
}

function expand(word: number): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE).fill(word & 255);
  if ((word & PATCHED) !== 0) page[(word >>> 8) & 4095] = (word >>> 20) & 255;
  return page;
}

/** The whole page; not to be written. */
export function contentBytes(content: PageContent): Uint8Array {
  return content.bytes ?? expand(content.word);
}

/** The content with zeros from `offset` to the page's end: the tail of a file's last page. */
export function zeroTail(content: PageContent, offset: number): PageContent {
  const page = contentBytes(content).slice();
  return { word: WORD_BLOB, bytes: page.fill(0, offset) };
}

export function readFrame(frames: Frames, pfn: Pfn): PageContent {
  const chunk = frames.chunk(pfn);
  const word = chunk.word[pfn & CHUNK_MASK] as number;
  return word === WORD_BLOB ? { word, bytes: chunk.blobs?.[pfn & CHUNK_MASK]?.bytes } : { word, bytes: undefined };
}

export function readFrameByte(frames: Frames, pfn: Pfn, offset: number): number {
  const chunk = frames.chunk(pfn);
  const word = chunk.word[pfn & CHUNK_MASK] as number;
  if (word !== WORD_BLOB) return wordByte(word, offset);
  return chunk.blobs?.[pfn & CHUNK_MASK]?.bytes[offset] ?? 0;
}

/** The content, to be kept elsewhere: the frame copies its bytes before it changes them again. */
export function shareFrame(frames: Frames, pfn: Pfn): PageContent {
  const content = readFrame(frames, pfn);
  if (content.bytes !== undefined) setFrame(frames, pfn, content);
  return content;
}

/** Replaces the whole content. The bytes are shared until the next write, which copies them. */
export function setFrame(frames: Frames, pfn: Pfn, content: PageContent): void {
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  chunk.word[i] = content.word;
  const blob = content.word === WORD_BLOB ? { owner: -1, bytes: content.bytes as Uint8Array } : undefined;
  frames.setBlob(chunk, i, blob);
}

/** Copies one frame's content to another (copy_user_highpage). */
export function copyFrame(frames: Frames, to: Pfn, from: Pfn): void {
  const source = frames.chunk(from);
  const word = source.word[from & CHUNK_MASK] as number;
  if (word === WORD_BLOB) {
    setFrame(frames, to, shareFrame(frames, from));
    return;
  }
  const chunk = frames.edit(to);
  chunk.word[to & CHUNK_MASK] = word;
}

/** The frame's bytes, to be written in place during this epoch. */
function ownBytes(frames: Frames, epoch: Epoch, pfn: Pfn): Uint8Array {
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const word = chunk.word[i] as number;
  const blob = chunk.blobs?.[i];
  if (word === WORD_BLOB && blob !== undefined && blob.owner === epoch.now) return blob.bytes;
  const bytes = word === WORD_BLOB ? (blob as Blob).bytes.slice() : expand(word);
  chunk.word[i] = WORD_BLOB;
  frames.setBlob(chunk, i, { owner: epoch.now, bytes });
  return bytes;
}

/** Writes one byte, keeping the compact form while it fits. */
export function writeFrameByte(frames: Frames, epoch: Epoch, pfn: Pfn, offset: number, value: number): void {
  const chunk = frames.edit(pfn);
  const i = pfn & CHUNK_MASK;
  const word = chunk.word[i] as number;
  if (word !== WORD_BLOB) {
    if (wordByte(word, offset) === value) return;
    if ((word & PATCHED) === 0 || ((word >>> 8) & 4095) === offset) {
      chunk.word[i] = (word & 255) | (offset << 8) | ((value & 255) << 20) | PATCHED;
      return;
    }
  }
  ownBytes(frames, epoch, pfn)[offset] = value;
}

/** Fills [offset, offset + length) with one byte. */
export function fillFrame(frames: Frames, epoch: Epoch, pfn: Pfn, offset: number, length: number, value: number): void {
  if (length === PAGE_SIZE) setFrame(frames, pfn, filledContent(value));
  else if (length === 1) writeFrameByte(frames, epoch, pfn, offset, value);
  else if (length > 0) ownBytes(frames, epoch, pfn).fill(value, offset, offset + length);
}

/** Copies `into.length` bytes of the frame from `offset` on; they lie within the page. */
export function readFrameBytes(frames: Frames, pfn: Pfn, offset: number, into: Uint8Array): void {
  const { word, bytes } = readFrame(frames, pfn);
  if (bytes !== undefined) {
    into.set(bytes.subarray(offset, offset + into.length));
    return;
  }
  into.fill(word === WORD_BLOB ? 0 : word & 255);
  const patched = ((word >>> 8) & 4095) - offset;
  if ((word & PATCHED) !== 0 && patched >= 0 && patched < into.length) into[patched] = (word >>> 20) & 255;
}

/** A whole page of one byte, which needs no bytes of its own. */
function isFilled(bytes: Uint8Array): boolean {
  if (bytes.length !== PAGE_SIZE) return false;
  const first = bytes[0];
  for (let i = 1; i < PAGE_SIZE; i++) if (bytes[i] !== first) return false;
  return true;
}

/** Copies `bytes` into the frame at `offset`. */
export function writeFrame(frames: Frames, epoch: Epoch, pfn: Pfn, offset: number, bytes: Uint8Array): void {
  if (bytes.length === 1) writeFrameByte(frames, epoch, pfn, offset, bytes[0] as number);
  else if (isFilled(bytes)) setFrame(frames, pfn, filledContent(bytes[0] as number));
  else if (bytes.length > 0) ownBytes(frames, epoch, pfn).set(bytes, offset);
}
