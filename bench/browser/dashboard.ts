import Uppy from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import XHRUpload from '@uppy/xhr-upload'

// For a browser: what a page needs at least to show Uppy's dashboard, and to send what is dropped there where our form sends it.
new Uppy({ restrictions: { allowedFileTypes: ['image/png'] } })
  .use(Dashboard, { inline: true, target: '#drop' })
  .use(XHRUpload, { endpoint: '/submitTask', fieldName: 'uploadfile' })
