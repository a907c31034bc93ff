export function sentence(who, what = 'nothing') {
  return `${who} says ${what}`;
}
