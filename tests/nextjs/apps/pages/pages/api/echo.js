import { headers } from '../../answers';

export const config = { api: { bodyParser: false } };

export default async function echo(request, response) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  response.writeHead(200, headers());
  response.end(Buffer.concat(pieces));
}
