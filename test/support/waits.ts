// A script that tells its process id and goes on until somebody ends it: what test/bootstrap.test.ts starts.
console.log(process.pid);
setInterval(() => {}, 1000);
