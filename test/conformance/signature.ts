/** Names kinds of differences, so that one cause is shown once however many scenarios it spoils. */
import type { Difference } from '../kernel/lockstep.ts';

function callOf(text: string): string {
  return /(?:^|[:=] *)(\w+)\(/.exec(text.replace(/^kernel: /, ''))?.[1] ?? text;
}

/** Numbers vary between scenarios of one cause; errno and signal names do not. */
function kindOf(detail: string): string {
  const [, key = '', kernel = '', simulator = ''] = /^(.*?): kernel (.*?) \| simulator (.*)$/.exec(detail) ?? [];
  const words = key.replace(/^\w+: /, '').split(' ');
  const field =
    words[0] === 'page' || words[0] === 'maps' || words[0] === 'flags'
      ? words[0]
      : words.filter((w) => !w.startsWith('0x')).join(' ');
  if (words[0] === 'result') {
    const short = (value: string): string => (/^0x|^[0-9a-f]*$/.test(value) ? 'value' : value.replace(/ 0x.*$/, ''));
    return `${field} ${short(kernel)} vs ${short(simulator)}`;
  }
  if (words[0] === 'page') {
    const short = (value: string): string => value.replace(/#\d+/, '#');
    return `${field} ${short(kernel)} vs ${short(simulator)}`;
  }
  if (words[0] === 'flags' || field.endsWith('flt')) return `${field} ${kernel} vs ${simulator}`;
  return field;
}

export function signatureOf(difference: Difference): string {
  const order = ['result', 'faults', 'maps', 'flags', 'page', 'smaps', 'status'];
  const details = difference.details.map(kindOf);
  const first = order
    .map((kind) => details.find((d) => d.startsWith(kind === 'faults' ? 'm' : kind)))
    .find((d) => d !== undefined);
  const flags = /MADV_\w+|CLONE_VM/.exec(difference.text)?.[0] ?? '';
  return `${difference.group}: ${callOf(difference.text)}${flags ? ` ${flags}` : ''}: ${first ?? details[0] ?? ''}`;
}
