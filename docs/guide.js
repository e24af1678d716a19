// Long code in sentences and in tables may break, so that a phone shows all of a line and all columns. A desktop has room
// for whole words: guide.css.
const LONG_CODE = 30;
const LONG_WORD = 14;

// `envelope_dynamo::keys` has the pieces `envelope_`, `dynamo::` and `keys`. A long word is also divided at its capitals.
function piecesOf(word) {
  const pieces = word.split(/(?<=::|[_/(,=+]|\w[-.])(?=\w)|(?<=\w)(?=[.(]\w)/);
  return pieces.flatMap(piece => (piece.length > LONG_WORD ? piece.split(/(?<=[a-z])(?=[A-Z])/) : [piece]));
}

function divided(word) {
  const whole = document.createElement('span');
  if (word.length <= LONG_CODE) whole.className = 'word';
  piecesOf(word).forEach((text, index) => {
    const piece = document.createElement('span');
    if (text.length <= LONG_CODE) piece.className = 'piece';
    piece.textContent = text;
    whole.append(...(index > 0 ? [document.createElement('wbr'), piece] : [piece]));
  });
  return whole;
}

// A number in a table stays beside its unit.
for (const cell of document.querySelectorAll('td')) {
  cell.innerHTML = cell.innerHTML.replace(/(\d) (?=(%|h|s|us|ms|M)(\W|$))/g, '$1&nbsp;');
}

for (const code of document.querySelectorAll('.content :not(pre) > code')) {
  const text = code.textContent;
  if (text.length <= LONG_CODE && !code.closest('td, th')) continue;
  code.classList.add('breakable');
  code.replaceChildren();
  for (const word of text.split(' ')) {
    if (code.hasChildNodes()) code.append(' ');
    code.append(divided(word));
  }
}
