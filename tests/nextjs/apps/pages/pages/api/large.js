import { headers, large } from '../../answers';

export default function all(request, response) {
  response.writeHead(200, headers());
  response.end(large);
}
