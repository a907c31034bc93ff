// What a release can suffer from, below every version of Next.js: in the HTTP server of the process.
const http = require('http');

const isHealth = (url) => url.startsWith('/api/health');

const faults = {
  500: (request, response) => isHealth(request.url) && refuse(response, 500),
  hang: (request) => isHealth(request.url),
  // Every version of Next.js has a file named after the build; here it is missing, as with another build.
  'wrong-build': (request, response) => request.url.endsWith('/_buildManifest.js') && refuse(response, 404),
};

function refuse(response, status) {
  response.statusCode = status;
  response.end('broken');
  return true;
}

// name: crash, 500, hang, wrong-build, or one of those that end 10 seconds after it was healthy for the first time: kill-10
// with all requests that it has, die-10 with all but POSTs. Such a request is lost with the process, since no proxy may ask
// it again elsewhere.
exports.begin = (name) => {
  console.error(`the fault ${name}`);
  if (name === 'crash') throw new Error('boom at start');
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
      if (faults[name]?.(first, response)) return true;
    }
    return emit.apply(this, arguments);
  };
};
