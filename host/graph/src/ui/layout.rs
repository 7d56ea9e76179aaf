//! Places of nodes on the canvas: columns by depth, each sorted so that links cross little.

/// Space between columns, and between the nodes of one, which includes a title.
const GAP: [f64; 2] = [80.0, 70.0];

/// Where the first node is.
const ORIGIN: [f64; 2] = [40.0, 80.0];

/// A place for each node.
pub(super) struct Layout {
    /// The upper left corners, below the titles.
    pub(super) places: Vec<[f64; 2]>,
    /// When each node comes if each comes after those it takes values from.
    pub(super) order: Vec<usize>,
}

/// Lays out nodes of these sizes, with links from a node to another. Nodes of a cycle are put wherever there is room.
pub(super) fn layout(sizes: &[[f64; 2]], links: &[(usize, usize)]) -> Layout {
    let count = sizes.len();
    let (mut before, mut after) = (vec![Vec::new(); count], vec![Vec::new(); count]);
    for &(from, to) in links {
        before[to].push(from);
        after[from].push(to);
    }
    let sorted = sorted(&before, &after);
    let mut columns = vec![0_usize; count];
    for &node in &sorted {
        columns[node] = before[node].iter().map(|&from| columns[from] + 1).max().unwrap_or(0);
    }
    // What needs nothing stands right before the first node that needs it.
    for node in (0..count).filter(|&node| before[node].is_empty()) {
        let next = after[node].iter().map(|&to| columns[to]).min().unwrap_or(0);
        columns[node] = next.saturating_sub(1);
    }
    let mut order = vec![0; count];
    sorted.iter().enumerate().for_each(|(place, &node)| order[node] = place);
    Layout { places: places(sizes, &columns, &before), order }
}

/// The nodes so that each comes after those it takes values from; those of cycles are last.
fn sorted(before: &[Vec<usize>], after: &[Vec<usize>]) -> Vec<usize> {
    let mut waiting: Vec<usize> = before.iter().map(Vec::len).collect();
    let mut sorted: Vec<usize> = (0..before.len()).filter(|&node| waiting[node] == 0).collect();
    let mut at = 0;
    while let Some(&node) = sorted.get(at) {
        at += 1;
        for &to in &after[node] {
            waiting[to] -= 1;
            if waiting[to] == 0 {
                sorted.push(to);
            }
        }
    }
    sorted.extend((0..before.len()).filter(|&node| waiting[node] > 0));
    sorted
}

fn places(sizes: &[[f64; 2]], columns: &[usize], before: &[Vec<usize>]) -> Vec<[f64; 2]> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); columns.iter().max().map_or(0, |last| last + 1)];
    columns.iter().enumerate().for_each(|(node, &column)| members[column].push(node));
    let mut places = vec![ORIGIN; sizes.len()];
    let mut left = ORIGIN[0];
    for column in members {
        // By the mean height of what each takes values from; what takes none stays where the file has it.
        let height = |node: usize| {
            let above = before[node].iter().map(|&from| places[from][1]);
            above.sum::<f64>() / before[node].len().max(1) as f64
        };
        let mut column: Vec<(f64, usize)> = column.into_iter().map(|node| (height(node), node)).collect();
        column.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut top, mut width) = (ORIGIN[1], 0.0_f64);
        for (_, node) in column {
            places[node] = [left, top];
            top += sizes[node][1] + GAP[1];
            width = width.max(sizes[node][0]);
        }
        left += width + GAP[0];
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_by_depth_and_no_node_over_another() {
        // 0 -> 1 -> 2, 3 -> 2, 4 alone, 5 <-> 6.
        let links = [(0, 1), (1, 2), (3, 2), (5, 6), (6, 5)];
        let sizes = [[200.0, 100.0]; 7];
        let Layout { places, order } = layout(&sizes, &links);
        assert!(places[0][0] < places[1][0] && places[1][0] < places[2][0]);
        assert_eq!(places[3][0], places[1][0], "right before the node that needs it");
        for a in 0..7 {
            for b in 0..a {
                let apart = |axis: usize| (places[a][axis] - places[b][axis]).abs() >= sizes[a][axis];
                assert!(apart(0) || apart(1), "{a} and {b}: {places:?}");
            }
        }
        assert!(order[0] < order[1] && order[1] < order[2] && order[3] < order[2]);
        let mut each = order.clone();
        each.sort_unstable();
        assert_eq!(each, (0..7).collect::<Vec<_>>());
    }

    #[test]
    fn a_long_chain() {
        let links: Vec<_> = (1..10_000).map(|node| (node - 1, node)).collect();
        let places = layout(&vec![[10.0, 10.0]; 10_000], &links).places;
        assert!(places.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert!(layout(&[], &[]).places.is_empty());
    }
}
