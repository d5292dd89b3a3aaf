/** Delta debugging: cuts a scenario down to the fewest lines that still show a difference. */

const BINDING = /^(?:\w+: )?(\w+) = /;

/** Lines that mention a name that no line before them binds are left out, until none is left. */
function closed(lines: readonly string[], removed: ReadonlySet<string>): string[] {
  const gone = new Set(removed);
  return lines.filter((line) => {
    const words = line.replace(/"[^"]*"/g, '').match(/[A-Za-z_]\w*/g) ?? [];
    if (!words.some((word) => gone.has(word))) return true;
    const name = BINDING.exec(line)?.[1];
    if (name !== undefined) gone.add(name);
    return false;
  });
}

function without(lines: readonly string[], from: number, to: number): string[] {
  const removed = new Set<string>();
  for (const line of lines.slice(from, to)) {
    const name = BINDING.exec(line)?.[1];
    if (name !== undefined) removed.add(name);
  }
  return [...lines.slice(0, from), ...closed(lines.slice(to), removed)];
}

/**
 * The smallest scenario found for which `differs` holds; the steps behind the difference must be cut off already.
 * The last line, which shows the difference, stays. At most `budget` trials.
 */
export async function reduce(
  source: string,
  differs: (source: string) => Promise<boolean>,
  budget = 300,
): Promise<string> {
  let lines = source.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  let trials = 0;
  const holds = async (candidate: readonly string[]): Promise<boolean> => {
    trials++;
    return differs(`${candidate.join('\n')}\n`);
  };
  let chunk = Math.max(1, lines.length >> 1);
  while (trials < budget) {
    let shrunk = false;
    for (let from = Math.max(0, lines.length - 1 - chunk); from >= 0 && trials < budget; from -= chunk) {
      const candidate = without(lines, from, Math.min(from + chunk, lines.length - 1));
      if (candidate.length < lines.length && candidate.at(-1) === lines.at(-1) && (await holds(candidate))) {
        lines = candidate;
        shrunk = true;
        from = Math.min(from, lines.length - 1);
      }
      if (from > 0 && from < chunk) from = chunk;
    }
    if (chunk > 1) chunk >>= 1;
    else if (!shrunk) break;
  }
  return `${lines.join('\n')}\n`;
}
