import MeteoRASafetensors
import MeteoRAVerification

/// Prints the tensors that another implementation hands in, one a line.
struct ResultList {
  let console: Console
  let isJSON: Bool

  /// - Throws: If a case does not tell its tensors, before a line is printed.
  func print(_ cases: [GoldenCase]) throws {
    for (golden, tensors) in try cases.map({ ($0, try $0.resultTensors()) }) {
      for tensor in tensors {
        let name = "\(golden.id)/\(tensor.output)"
        if isJSON {
          try console.printLine(
            JSONOutput.object([
              ("name", .string(name)), ("dtype", .string(tensor.typeName)),
              ("shape", .array(tensor.shape.map { .integer($0) })), ("tier", .string(golden.tier)),
            ]).line)
        } else {
          // Without spaces inside, so that the columns can be cut apart.
          let shape = tensor.shape.map { "\($0)" }.joined(separator: ",")
          let shown = printable(name, limit: 4096)
          try console.print("\(shown) \(tensor.typeName) [\(shape)] \(golden.tier)\n")
        }
      }
    }
  }
}
