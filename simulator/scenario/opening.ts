// Hands the declarations of a scenario to a backend, real programs read on the way.

import type { Backend, Declaration } from '../abi.ts';
import type { HostProgram } from '../fs/host-program.ts';
import type { Scenario } from './scenario.ts';
import { type Diagnostic, rangeOf, type Span } from './source.ts';

/** Reads a real ELF file; a host without files (a browser) has none. */
export type ReadHostElf = (path: string) => HostProgram | { readonly error: string };

/** Declares everything. @returns what is wrong, on the lines of the declarations. */
export function declareAll(scenario: Scenario, backend: Pick<Backend, 'declare'>, read?: ReadHostElf): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  const report = (message: string, span: Span) => {
    diagnostics.push({ severity: 'error', code: 'declaration', message, range: rangeOf(span) });
  };
  for (const code of scenario.declarations) {
    const declaration = 'declaration' in code ? code.declaration : hostDeclaration(code.hostProgram, read);
    const problem = 'error' in declaration ? declaration.error : backend.declare(declaration);
    if (problem !== null) report(problem, code.span);
  }
  return diagnostics;
}

function hostDeclaration(path: string, read: ReadHostElf | undefined): Declaration | { readonly error: string } {
  if (read === undefined) return { error: `"${path}" cannot be read here: real programs exist only on the desktop` };
  const program = read(path);
  if ('error' in program) return program;
  const { elf, closure, cache } = program;
  return cache === undefined ? { kind: 'host', elf, closure } : { kind: 'host', elf, closure, cache };
}
