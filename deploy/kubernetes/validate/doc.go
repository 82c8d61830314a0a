// Package validate holds the tests of the manifests for Kubernetes: that
// kustomize builds them, that they satisfy the schemas of Kubernetes and KEDA,
// and that their parts fit together. It is a module of its own: nothing of it
// is needed to build the worker.
package validate
