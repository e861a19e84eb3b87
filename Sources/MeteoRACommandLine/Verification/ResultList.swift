import MeteoRASafetensors
import MeteoRAVerification

/// Prints the tensors that another implementation hands in, one a line.
struct ResultList {
  let console: Console
  let isJSON: Bool

  func print(_ cases: [GoldenCase]) throws {
    for golden in cases {
      for tensor in try golden.resultTensors() {
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
