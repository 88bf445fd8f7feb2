/** What both example pages do: give Uppy the picked files, and list the results. */
export function connect(uppy) {
  const list = document.querySelector('#files');
  const show = (state, text) => {
    const row = document.createElement('li');
    row.dataset.state = state;
    row.textContent = text;
    list.append(row);
  };
  uppy.on('upload-success', (file, { uploadURL }) => show('stored', `${file.name}: ${uploadURL}`));
  uppy.on('upload-error', (file, error) => show('failed', `${file.name}: ${error.message}`));

  document.querySelector('#picker').addEventListener('change', ({ target }) => {
    uppy.addFiles([...target.files].map((data) => ({ name: data.name, type: data.type, data })));
  });
}
