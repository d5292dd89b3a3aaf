// Mocha's browser build, which runs in every extension host: it defines the global `Mocha`.
declare module 'mocha/mocha.js';

/** Every `*.test.ts` of the suite that suits the host, found when the suite is bundled. */
declare module 'virtual:tests' {
  export const files: readonly { readonly name: string; load(): void }[];
}
