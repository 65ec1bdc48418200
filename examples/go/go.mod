module example

go 1.25.0

require libconvoy.invalid/convoy v0.2.0

require github.com/ebitengine/purego v0.11.3 // indirect

replace libconvoy.invalid/convoy => ../../bindings/go
