/**
 * Names of the platform that the types of the package speak of. Programs without the DOM library
 * (a plain Node program, a service) know none of them; where it is there, or Node's types are,
 * these add nothing to it. Types only.
 */

declare global {
  interface AbortSignal {}
  interface AddEventListenerOptions {}
  interface Blob {}
  interface CustomEvent<T = any> { readonly detail: T }
  interface Event {}
  interface EventListenerOptions {}
  interface File {}
  interface FileSystemDirectoryHandle {}
  interface URL {}
  interface Worker {}
  namespace WebAssembly {
    interface Memory {}
    interface Module {}
  }
}

export {};
