// How well text can be read on the page: its contrast with what lies behind it.
import type { Locator } from 'playwright-core';

/** The contrast of each element's text with what is behind it, as WCAG computes it: 1 to 21. */
export function contrasts(elements: Locator): Promise<number[]> {
  return elements.evaluateAll((all) => {
    const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    if (pen === null) throw new Error('contrasts: no canvas');
    /** Relative luminance of colours laid over each other, the lowest first. */
    const luminance = (layers: readonly string[]) => {
      pen.clearRect(0, 0, 1, 1);
      for (const layer of layers) {
        pen.fillStyle = layer;
        pen.fillRect(0, 0, 1, 1);
      }
      const [red = 0, green = 0, blue = 0] = [...pen.getImageData(0, 0, 1, 1).data]
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    return all.map((element) => {
      const layers: string[] = [];
      for (let at: Element | null = element; at !== null; at = at.parentElement) {
        layers.unshift(getComputedStyle(at).backgroundColor);
      }
      const behind = luminance(layers);
      const text = luminance([...layers, getComputedStyle(element).color]);
      return (Math.max(behind, text) + 0.05) / (Math.min(behind, text) + 0.05);
    });
  });
}
