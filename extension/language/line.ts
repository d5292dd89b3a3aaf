// Reads off a line of a scenario whose step it is, without parsing it.

const STEP = /^\s*([A-Za-z_]\w*)\s*:/;
const SPAWN = /^\s*([A-Za-z_]\w*)\s*=\s*spawn\b/;
/** Functions of `assert` whose first argument is a process. */
const QUERY = /\b(?:phys|pfn|present|swapped|refs|perm|byte|rss|pss|vsz|minflt|majflt|vmas)\s*\(\s*([A-Za-z_]\w*)/g;
const INSERT = /\b(?:vm_insert_page|remap_pfn_range)\s*\(\s*([A-Za-z_]\w*)/;

/** The name of the process that an address at `character` of the line belongs to; null when the line names none. */
export function processNameAt(line: string, character: number): string | null {
  const insert = INSERT.exec(line);
  if (insert?.[1] !== undefined) return insert[1];
  let name = STEP.exec(line)?.[1] ?? SPAWN.exec(line)?.[1] ?? null;
  for (const query of line.matchAll(QUERY)) {
    if (query.index <= character && query[1] !== undefined) name = query[1];
  }
  return name === 'kernel' ? null : name;
}
