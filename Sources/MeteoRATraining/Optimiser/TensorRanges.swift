import MeteoRAKernels

extension Parallelism {
  /// Calls `body` with disjoint ranges that cover the elements of all tensors: each thread has as
  /// many, however large the tensors are.
  func forEachRange(
    ofElements tensors: [TrainedTensor], _ body: (TrainedTensor, Range<Int>) -> Void
  ) {
    let total = tensors.reduce(0) { $0 + $1.count }
    forEachRange(of: total) { range in
      var first = 0
      for tensor in tensors {
        let own = range.clamped(to: first..<first + tensor.count)
        if !own.isEmpty { body(tensor, own.lowerBound - first..<own.upperBound - first) }
        first += tensor.count
      }
    }
  }
}
