// Entry of the suite that runs inside an extension host, desktop, remote or web.
export async function run(): Promise<void> {}
