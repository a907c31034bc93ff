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

// name: crash, 500, hang, wrong-build, or die-10: ends 10 seconds after it was healthy for the first time, at a moment
// without a running POST. Such a request is lost with the process, since no proxy may ask it again elsewhere.
exports.begin = (name) => {
  console.error(`the fault ${name}`);
  if (name === 'crash') throw new Error('boom at start');
  const seconds = name.startsWith('die-') ? Number(name.slice(4)) : null;
  const emit = http.Server.prototype.emit;
  let dying = false;
  let posts = 0;
  // After a turn of the event loop everything that had come in is known. An orderly exit takes so long that more comes in.
  const die = () => setImmediate(() => (posts ? setTimeout(die, 1) : process.kill(process.pid, 'SIGKILL')));
  http.Server.prototype.emit = function (event, request, response) {
    if (event === 'request') {
      if (seconds !== null && !dying && isHealth(request.url)) {
        dying = true;
        setTimeout(die, seconds * 1000);
      }
      if (request.method === 'POST') {
        posts += 1;
        response.on('close', () => (posts -= 1));
      }
      if (faults[name]?.(request, response)) return true;
    }
    return emit.apply(this, arguments);
  };
};
