import MeteoRAKernels
import MeteoRALlama
import MeteoRASafetensors

/// Where the values of a trace go: to a file, or into memory.
protocol TraceSink: AnyObject {
  func append(_ values: [Float], to name: String) throws(SafetensorsError)
  func append(_ values: [Int64], to name: String) throws(SafetensorsError)
}

extension SafetensorsWriter: TraceSink {}

/// Hands the values of a forward pass to a sink, as rows of the tensors of a plan.
final class TraceObserver: RoutingObserver {
  private let plan: TracePlan
  private let prefix: String
  private let sink: any TraceSink
  private var rows = 0
  /// The first thing that went wrong; a forward pass cannot be left half way.
  private(set) var failure: SafetensorsError?

  init(plan: TracePlan, prefix: String, sink: any TraceSink) {
    self.plan = plan
    self.prefix = prefix
    self.sink = sink
  }

  func begin(rows: [RowOrigin]) {
    self.rows = rows.count
  }

  func wants(_ point: TracePoint) -> Bool {
    plan.rowShape(of: point) != nil
  }

  func observe(_ point: TracePoint, _ values: UnsafePointer<Float>, width: Int) {
    guard wants(point) else { return }
    let copy = Array(UnsafeBufferPointer(start: values, count: rows * width))
    attempt { () throws(SafetensorsError) in try sink.append(copy, to: prefix + point.name) }
  }

  func observe(_ routing: Routing, layer: Int, module: LinearModule) {
    var selected: [Int64] = []
    var weights: [Float] = []
    for token in 0..<routing.tokens {
      for choice in routing.selected(token: token) {
        selected.append(Int64(choice.adapter))
        weights.append(choice.weight)
      }
    }
    let names = TracePlan.choiceNames(layer: layer, module: module)
    attempt { () throws(SafetensorsError) in
      try sink.append(selected, to: prefix + names.selected)
      try sink.append(weights, to: prefix + names.weights)
    }
  }

  private func attempt(_ body: () throws(SafetensorsError) -> Void) {
    if failure != nil { return }
    do throws(SafetensorsError) {
      try body()
    } catch {
      failure = error
    }
  }
}

/// Collects a trace in memory.
final class TraceCollection: TraceSink {
  private var floats: [String: [Float]] = [:]
  private var integers: [String: [Int64]] = [:]

  func append(_ values: [Float], to name: String) {
    floats[name, default: []] += values
  }

  func append(_ values: [Int64], to name: String) {
    integers[name, default: []] += values
  }

  /// The declared tensors, in order.
  func tensors(_ declarations: [SafetensorsWriter.Declaration]) -> [TraceTensor] {
    declarations.map { declaration in
      let values: TraceTensor.Values =
        declaration.dtype == .i64
        ? .int64(integers[declaration.name] ?? []) : .float32(floats[declaration.name] ?? [])
      return TraceTensor(name: declaration.name, shape: declaration.shape, values: values)
    }
  }
}
