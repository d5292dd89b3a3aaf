// Which parameter of which call is being written.

import { parameterAt, signatureLabel } from '../calls.ts';
import { constantsOf } from '../constants.ts';
import type { Position } from '../source.ts';
import { contextAt } from './line-context.ts';

export interface ParameterHelp {
  /** Where in the label the parameter stands. */
  readonly label: readonly [start: number, end: number];
  readonly doc: string;
}

export interface SignatureHelp {
  readonly label: string;
  readonly doc: string;
  readonly parameters: readonly ParameterHelp[];
  /** Index into `parameters`; beyond them when there are too many arguments. */
  readonly activeParameter: number;
}

/** Help for the call around `position`, or null outside of arguments. */
export function signatureHelp(text: string, position: Position): SignatureHelp | null {
  const { wanted } = contextAt(text, position);
  if (wanted.kind !== 'argument') return null;
  const { call, index } = wanted;
  const label = signatureLabel(call);
  let from = call.name.length + 1;
  const parameters = call.parameters.map((parameter): ParameterHelp => {
    const start = label.indexOf(parameter.name, from);
    from = start + parameter.name.length;
    const constants = constantsOf(parameter.constants).filter((c) => c.group !== 'general');
    const names = constants.slice(0, 6).map((c) => c.name);
    const more = constants.length > names.length ? ', …' : '';
    return { label: [start, from], doc: names.length === 0 ? '' : `${names.join(', ')}${more}` };
  });
  const isRest = parameterAt(call, index)?.rest === true;
  const activeParameter = isRest ? call.parameters.length - 1 : index;
  return { label, doc: call.doc, parameters, activeParameter };
}
