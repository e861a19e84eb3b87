// The public declarations of this target speak of types of these: configurations and options,
// threads and kernels, tokenizers, tensors and the errors of each. A client imports `MeteoRA` alone.

@_exported import MeteoRAKernels
@_exported import MeteoRALlama
@_exported import MeteoRASafetensors
@_exported import MeteoRATokenizers
