// What a suite inside an extension host tells the script outside: one line of JSON after a mark, on the console.

/** The mark by which the script finds the lines in the extension host's log. */
export const reportMark = '@@e2e ';

/** One thing a suite reports. */
export type Report =
  | { readonly kind: 'start'; readonly files: readonly string[]; readonly tests: number }
  | { readonly kind: 'passed' | 'skipped'; readonly title: string }
  | { readonly kind: 'failed'; readonly title: string; readonly error: string }
  | { readonly kind: 'end' };

/** The report that a line of the log carries, or undefined. */
export function readReport(line: string): Report | undefined {
  const at = line.indexOf(reportMark);
  if (at < 0) return undefined;
  const json = line.slice(at + reportMark.length);
  try {
    return JSON.parse(json.slice(0, json.lastIndexOf('}') + 1)) as Report;
  } catch {
    return undefined;
  }
}
