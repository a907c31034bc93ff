import { words } from '../words';

export default function Home() {
  return <h1>{words}</h1>;
}
