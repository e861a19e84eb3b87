import MeteoRALlama
import MeteoRASafetensors

/// Compares what a file holds with what it should, and collects every difference, where a loader
/// stops at the first.
struct TensorExpectations {
  private let source: any SafetensorsSource
  private var expected: Set<[UInt8]> = []
  private(set) var problems: [MeteoRAError] = []

  init(of source: any SafetensorsSource) {
    self.source = source
  }

  /// The path of the file or folder.
  var location: String { source.location }

  /// Expects weights of a shape; `nil` stands for any size.
  ///
  /// - Returns: The tensor, if it is there and as expected.
  @discardableResult
  mutating func expect(
    _ name: String, shape: [Int?], isOptional: Bool = false
  ) -> SafetensorsTensor? {
    expected.insert(Array(name.utf8))
    guard let tensor = source.tensorIfPresent(named: name) else {
      if !isOptional {
        problems.append(.safetensors(.tensorNotFound(file: source.location, tensor: name)))
      }
      return nil
    }
    let fits =
      tensor.shape.count == shape.count
      && zip(tensor.shape, shape).allSatisfy { $1 == nil || $0 == $1 }
    guard fits else {
      let wanted = zip(shape, tensor.shape + shape.map { $0 ?? 0 }).map { $0 ?? $1 }
      problems.append(
        .safetensors(
          .shapeMismatch(file: tensor.file, tensor: name, expected: wanted, actual: tensor.shape)))
      return nil
    }
    do throws(LlamaError) {
      _ = try WeightReader.format(of: tensor)
    } catch {
      problems.append(.llama(error))
      return nil
    }
    return tensor
  }

  /// Reports what was not expected.
  ///
  /// - Parameter problem: The problem that a left-over tensor is; `nil` if it is none.
  mutating func expectNothingElse(_ problem: (SafetensorsTensor) -> MeteoRAError?) {
    for tensor in source.tensors where !expected.contains(Array(tensor.name.utf8)) {
      if let problem = problem(tensor) { problems.append(problem) }
    }
  }

  /// Reports layers of which nothing is there, as one problem with those that end before them: a
  /// configuration may ask for any number of layers.
  mutating func reportMissing(_ layers: ClosedRange<Int>) {
    if case .missingLayers(let file, let last)? = problems.last,
      last.upperBound + 1 == layers.lowerBound
    {
      problems.removeLast()
      report(.missingLayers(file: file, layers: last.lowerBound...layers.upperBound))
    } else {
      report(.missingLayers(file: source.location, layers: layers))
    }
  }

  mutating func report(_ problem: MeteoRAError) {
    problems.append(problem)
  }
}
