/** How a call says which rule refused it: the errno, and an event with the rule for whoever listens. */

import type { Kernel } from '../state/kernel.ts';

/** Tells why a call fails, in the words of the rule that it met first, and returns its errno. */
export function refuse<E extends string>(k: Kernel, errno: E, why: string): E {
  if (k.sink !== null) k.emit({ type: 'refused', errno, why });
  return errno;
}
