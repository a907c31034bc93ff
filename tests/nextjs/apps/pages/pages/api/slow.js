import { headers, pause } from '../../answers';

export default async function slow(request, response) {
  await pause(request.query.ms);
  response.writeHead(200, headers());
  response.end('waited');
}
