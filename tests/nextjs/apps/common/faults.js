// What a release can suffer from, below every version of Next.js: in the HTTP server of the process.
const http = require('http');

const isHealth = (url) => url.startsWith('/api/health');

// What it answers in place of the status it would: of all requests that it has, also of those that came before it was told
// of the fault, as Next.js listens before it reads its configuration.
const NOTHING = 0;
const faults = {
  500: (url) => isHealth(url) && 500,
  hang: (url) => isHealth(url) && NOTHING,
  // Every version of Next.js has a file named after the build; here it is missing, as with another build.
  'wrong-build': (url) => url.endsWith('/_buildManifest.js') && 404,
};

function spoil(fault) {
  const writeHead = http.ServerResponse.prototype.writeHead;
  http.ServerResponse.prototype.writeHead = function (status, ...headers) {
    const wrong = fault(this.req.url);
    if (wrong === NOTHING) {
      this.write = this.end = () => this;
      return this;
    }
    return writeHead.call(this, wrong || status, ...headers);
  };
}

// name: crash, 500, hang, wrong-build, or one of those that end 10 seconds after it was healthy for the first time: kill-10
// with all requests that it has, die-10 with all but POSTs. Such a request is lost with the process, since no proxy may ask
// it again elsewhere.
exports.begin = (name) => {
  console.error(`the fault ${name}`);
  if (name === 'crash') throw new Error('boom at start');
  if (faults[name]) spoil(faults[name]);
  const [, way, seconds] = /^(die|kill)-(\d+)$/.exec(name) ?? [];
  const emit = http.Server.prototype.emit;
  let dying = false;
  const posts = new Set();
  // The kernel takes requests for a process for as long as its memory is being freed, so the doors are closed before.
  const die = (server) => {
    if (way === 'die') server.closeIdleConnections();
    if (way === 'die' && posts.size) setTimeout(die, 1, server);
    else process.kill(process.pid, 'SIGKILL');
  };
  http.Server.prototype.emit = function (event, first, response) {
    if (event === 'request') {
      if (first.method === 'POST') {
        posts.add(response);
        response.on('close', () => posts.delete(response));
      }
      if (way && !dying && isHealth(first.url)) {
        dying = true;
        setTimeout(() => die(way === 'die' ? this.close() : this), seconds * 1000);
      }
    }
    return emit.apply(this, arguments);
  };
};
