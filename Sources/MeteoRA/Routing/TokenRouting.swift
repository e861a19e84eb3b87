import MeteoRAKernels
import MeteoRALlama

/// Which adapters a token took, over the whole model.
public struct TokenRouting: Sendable, Equatable {
  /// Of every adapter, the sum of the token's weights over all routed modules of all layers, added
  /// in the order in which they run.
  public var sums: [Float]
  /// Routed modules of the model.
  public var moduleCount: Int

  /// - Parameters:
  ///   - sums: Of every adapter, the sum of its weights.
  ///   - moduleCount: Routed modules of the model.
  public init(sums: [Float], moduleCount: Int) {
    self.sums = sums
    self.moduleCount = moduleCount
  }

  /// The adapter with the largest sum; of equal ones the lowest index. 0 without adapters.
  public var dominantAdapter: Int {
    var best = 0
    for (adapter, sum) in sums.enumerated() where sum > sums[best] { best = adapter }
    return best
  }

  /// The dominant adapter's share: its sum divided by the number of modules, 0 … 1.
  public var intensity: Float {
    sums.isEmpty || moduleCount == 0 ? 0 : sums[dominantAdapter] / Float(moduleCount)
  }
}

/// Keeps the routing of every token of every sequence: sums over the model, and each module's
/// choice.
final class TokenRoutingRecorder: RoutingObserver {
  private let adapterCount: Int
  private let moduleCount: Int
  private var rows: [RowOrigin] = []
  /// By sequence and position.
  private var sums: [Int: [[Float]]] = [:]
  /// By sequence and place among the routed modules, in the order in which they run.
  private var modules: [Int: [ModuleRouting]] = [:]
  /// The place of the module that runs next.
  private var place = 0

  init(adapterCount: Int, moduleCount: Int) {
    self.adapterCount = adapterCount
    self.moduleCount = moduleCount
  }

  /// The tokens of a sequence that were run so far, in order, from a position on.
  func tokens(of sequence: Int, from first: Int) -> [TokenRouting] {
    (sums[sequence] ?? []).dropFirst(max(first, 0)).map {
      TokenRouting(sums: $0, moduleCount: moduleCount)
    }
  }

  /// The choices for the tokens of a sequence that were run so far.
  func modules(of sequence: Int) -> [ModuleRouting] { modules[sequence] ?? [] }

  func begin(rows: [RowOrigin]) {
    self.rows = rows
    place = 0
    let zeros = [Float](repeating: 0, count: adapterCount)
    for row in rows { sums[row.sequence, default: []].append(zeros) }
  }

  func wants(_ point: TracePoint) -> Bool { false }

  func observe(_ point: TracePoint, _ values: UnsafePointer<Float>, width: Int) {}

  func observe(_ routing: Routing, layer: Int, module: LinearModule) {
    for (token, row) in rows.enumerated() {
      let choices = routing.selected(token: token)
      for choice in choices {
        sums[row.sequence]?[row.position][choice.adapter] += choice.weight
      }
      if modules[row.sequence, default: []].count == place {
        modules[row.sequence, default: []].append(
          ModuleRouting(layer: layer, module: module, topK: routing.topK))
      }
      modules[row.sequence]?[place].append(choices)
    }
    place += 1
  }
}
