import MeteoRALlama

/// How often the gate of each module ranked the right adapter first.
package struct RoutingCounts: Sendable, Equatable {
  /// Labelled rows and right choices.
  package struct Count: Sendable, Equatable {
    package var labelled = 0
    package var right = 0

    package init() {}
  }

  /// By layer and ``LinearModule/index``.
  package private(set) var modules: [[Count]]

  package init(layers: Int) {
    modules = Array(
      repeating: Array(repeating: Count(), count: LinearModule.allCases.count), count: layers)
  }

  /// Adds those of another batch.
  mutating func add(_ other: RoutingCounts) {
    for (layer, counts) in other.modules.enumerated() {
      for (module, count) in counts.enumerated() {
        modules[layer][module].labelled += count.labelled
        modules[layer][module].right += count.right
      }
    }
  }

  mutating func add(layer: Int, module: LinearModule, labelled: Int, right: Int) {
    modules[layer][module.index].labelled += labelled
    modules[layer][module.index].right += right
  }
}
