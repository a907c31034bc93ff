import { build, headers } from '../../answers';

export default function health(request, response) {
  response.writeHead(200, { ...headers(), 'Content-Type': 'application/json' });
  response.end(JSON.stringify({ build: build() }));
}
