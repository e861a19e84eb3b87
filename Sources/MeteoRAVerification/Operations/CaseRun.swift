import MeteoRAKernels
import MeteoRASafetensors

/// One case in one execution: what the operations read their inputs and parameters from.
struct CaseRun {
  let golden: GoldenCase
  let files: GoldenFiles
  let models: ModelLibrary
  let execution: Execution

  var parallelism: Parallelism { execution.parallelism }

  // MARK: Inputs

  /// An input as it stands in its file.
  func storedInput(_ name: String) throws(VerificationError) -> SafetensorsTensor {
    guard let reference = golden.input(named: name) else {
      throw .missingInput(case: golden.id, name: name)
    }
    return try files.tensor(reference, of: golden.id)
  }

  /// A float input of `rank` dimensions, widened to binary32.
  func floats(
    _ name: String, rank: Int
  ) throws(VerificationError) -> (values: [Float], shape: [Int]) {
    let tensor = try input(name, rank: rank)
    guard case .float32(let values) = tensor.elements else {
      throw mismatch(name, tensor, expected: "floats of at most 32 bits")
    }
    return (values, tensor.shape)
  }

  /// A float input of any number of dimensions, widened to binary32.
  func floats(_ name: String) throws(VerificationError) -> (values: [Float], shape: [Int]) {
    try floats(name, rank: try storedInput(name).shape.count)
  }

  /// An integer input of `rank` dimensions.
  func integers(
    _ name: String, rank: Int
  ) throws(VerificationError) -> (values: [Int], shape: [Int]) {
    let tensor = try input(name, rank: rank)
    guard case .int64(let values) = tensor.elements else {
      throw mismatch(name, tensor, expected: "integers")
    }
    return (values.map(Int.init), tensor.shape)
  }

  /// An input `[outFeatures, inFeatures]`, at its stored width.
  func matrix(_ name: String) throws(VerificationError) -> WeightMatrix {
    let tensor = try storedInput(name)
    let format: WeightFormat
    switch tensor.dtype {
    case .f32: format = .float32
    case .bf16: format = .bfloat16
    case .f16: format = .float16
    default:
      throw .inputMismatch(
        case: golden.id, name: name, expected: "F32, BF16 or F16", actual: "\(tensor.dtype)")
    }
    guard tensor.shape.count == 2 else {
      throw .inputMismatch(
        case: golden.id, name: name, expected: "a matrix", actual: "of shape \(tensor.shape)")
    }
    return try kernel { () throws(KernelError) in
      try tensor.withUnsafeBytes { bytes throws(KernelError) in
        try WeightMatrix(
          rowMajor: bytes, outFeatures: tensor.shape[0], inFeatures: tensor.shape[1],
          format: format, parallelism: parallelism)
      }
    }
  }

  private func input(_ name: String, rank: Int) throws(VerificationError) -> GoldenTensor {
    let stored = try storedInput(name)
    let tensor: GoldenTensor
    do throws(SafetensorsError) {
      tensor = try GoldenTensor(stored)
    } catch {
      throw .safetensors(case: golden.id, error)
    }
    guard tensor.shape.count == rank else {
      throw mismatch(name, tensor, expected: "of \(rank) dimensions")
    }
    return tensor
  }

  private func mismatch(
    _ name: String, _ tensor: GoldenTensor, expected: String
  ) -> VerificationError {
    .inputMismatch(
      case: golden.id, name: name, expected: expected,
      actual: "\(tensor.typeName) \(tensor.shape)")
  }

  // MARK: Outputs

  /// Elements that an output may have without a file that backs as many.
  private static let smallOutput = 1 << 20

  /// Throws if an output would be large and larger than the case expects it: a few bytes of a
  /// manifest can claim more than any memory holds.
  ///
  /// To be called before an operation whose output is not bounded by its inputs. What the case
  /// expects is in a file of the pack.
  func requireRoom(for name: String, shape: [Int]) throws(VerificationError) {
    let expected = golden.output(named: name)?.tensor?.shape
    let room = max(Self.elementCount(expected ?? []) ?? 0, Self.smallOutput)
    guard let count = Self.elementCount(shape), count <= room else {
      throw .outputTooLarge(case: golden.id, name: name, shape: shape, expected: expected)
    }
  }

  /// The product of `shape`; `nil` if it is no `Int`.
  private static func elementCount(_ shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      if overflow { return nil }
      count = product
    }
    return count
  }

  // MARK: Parameters and errors

  /// Reads parameters of the case.
  func parameters<Value>(
    _ read: (JSONValue) throws(JSONError) -> Value
  ) throws(VerificationError) -> Value {
    do throws(JSONError) {
      return try read(golden.parameters)
    } catch {
      throw .json(case: golden.id, error)
    }
  }

  /// Runs code of the kernels, and names the case in what it throws.
  func kernel<Value>(
    _ body: () throws(KernelError) -> Value
  ) throws(VerificationError) -> Value {
    do throws(KernelError) {
      return try body()
    } catch {
      throw .refused(case: golden.id, reason: error.description)
    }
  }
}
