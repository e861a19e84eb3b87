// The public declarations of this target speak of types of these: configurations and options,
// threads and kernels, tokenizers, tensors and the errors of each. A client imports `MeteoRA`
// alone. Of the kernels only types: their functions `linear`, `softmax`, … are no names for its
// scope.

@_exported import MeteoRALlama
@_exported import MeteoRASafetensors
@_exported import MeteoRATokenizers

@_exported import enum MeteoRAKernels.KernelError
@_exported import enum MeteoRAKernels.LoRAMoEKernel
@_exported import struct MeteoRAKernels.Parallelism
@_exported import enum MeteoRAKernels.RotaryScaling
@_exported import struct MeteoRAKernels.Routing
@_exported import enum MeteoRAKernels.WeightFormat
@_exported import class MeteoRAKernels.WeightMatrix
