// The simulator's one public entry.
export {};
