// Long names in tables may break after `::` and `_`, so that a phone shows all columns.
for (const code of document.querySelectorAll('td > code')) {
  code.innerHTML = code.innerHTML.replace(/::|_(?=.)/g, '$&<wbr>');
}
