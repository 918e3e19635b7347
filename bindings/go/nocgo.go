//go:build !cgo

package zeebe

// This does not compile, so that it is said in place of all that is undefined without cgo. Go turns cgo off where it finds no C compiler, and for another platform than the
// one it runs on: CGO_ENABLED=1 turns it on, and CC names that platform's compiler. pkg-config must find libzeebe as zeebe.pc.
const this int = "needs cgo, to call libzeebe: CGO_ENABLED=1, pkg-config, a C compiler"
